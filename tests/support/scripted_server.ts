/** An HTTP server that answers, or fails to, exactly as a test says: the AWS of a bad day. */
import { createServer, type Socket } from "node:net"

export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string
  /** Sends only so much of the body, whose whole length it has announced, and closes. */
  cutAfter?: number
}

/** What to do with a request: answer, reset the connection, or say nothing at all. */
export type Step = Answer | "reset" | "silence"

export interface Received {
  /** `POST / HTTP/1.1`; behind a proxy with the whole address. */
  line: string
  headers: Record<string, string>
  body: string
}

export interface ScriptedServer {
  endpoint: string
  received: Received[]
  stop(): void
}

/** Takes the steps in order, the last again and again. */
export async function startScriptedServer(...steps: Step[]): Promise<ScriptedServer> {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    let pending = ""
    socket.on("data", (data) => {
      pending += data.toString("latin1")
      const request = requestIn(pending)
      if (!request) return
      pending = ""
      received.push(request)
      act(socket, steps[Math.min(received.length, steps.length) - 1] ?? "reset")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    received,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function requestIn(text: string): Received | null {
  const end = text.indexOf("\r\n\r\n")
  if (end < 0) return null
  const [line = "", ...lines] = text.slice(0, end).split("\r\n")
  const headers = Object.fromEntries(
    lines.map((header) => {
      const colon = header.indexOf(":")
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()]
    }),
  )
  const body = text.slice(end + 4)
  return body.length >= Number(headers["content-length"] ?? 0) ? { line, headers, body } : null
}

function act(socket: Socket, step: Step): void {
  if (step === "silence") return
  if (step === "reset") {
    socket.resetAndDestroy()
    return
  }
  const body = Buffer.from(step.body ?? "")
  const headers = { "content-type": "text/xml", "content-length": String(body.length), ...step.headers }
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${step.status ?? 200} Scripted\r\n${head.join("")}\r\n`)
  if (step.cutAfter === undefined) socket.write(body)
  else socket.end(body.subarray(0, step.cutAfter))
}
