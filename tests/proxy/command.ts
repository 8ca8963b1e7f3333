/** `microproxy` as the command that people start: compiled under `npm test`. */
import { type RunningTool, type Workspace, workspace } from "../support/tools.ts"
import { rawRequest } from "./client.ts"

export interface StartedProxy {
  child: RunningTool
  pid: number
  origin: string
  host: string
  port: number
  token: string
  /** Answers a GET with the cookie, as it came; on a connection that ends with it. */
  get(path: string): Promise<string>
  /** Sends SIGTERM, waits, and returns what it wrote to standard error. */
  stop(): Promise<string>
}

/** Starts it on a free port with these arguments, in the course's surroundings where there is one. */
export async function startProxyCommand(
  args: string[],
  given?: Workspace,
  options: { as?: string; env?: Record<string, string> } = {},
): Promise<StartedProxy> {
  const course = given ?? workspace()
  const child = course.start("microproxy", ["0", "--json", ...args], options)
  const errors = new Response(child.stderr).text()
  const line = await firstLine(child.stdout)
  if (line === null) throw new Error(`microproxy ended with ${await child.exited}: ${await errors}`)
  const { url, origin, port } = JSON.parse(line) as { url: string; origin: string; port: number }
  const token = new URL(url).searchParams.get("token") ?? ""
  const { host } = new URL(origin)
  return {
    child,
    pid: child.pid,
    origin,
    host,
    port,
    token,
    get: (path) =>
      rawRequest(
        port,
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nCookie: microproxy=${token}\r\nConnection: close\r\n\r\n`,
        5000,
      ),
    async stop() {
      child.kill("SIGTERM")
      await child.exited
      if (!given) course.remove()
      return errors
    },
  }
}

/** What a process says first; null where it ends without a word. The rest is read and dropped. */
export async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string | null> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ""
  while (!text.includes("\n")) {
    const { value, done } = await reader.read()
    if (done) return null
    text += decoder.decode(value, { stream: true })
  }
  void drain(reader)
  return text.slice(0, text.indexOf("\n"))
}

async function drain(reader: { read(): Promise<{ done: boolean }> }): Promise<void> {
  while (!(await reader.read()).done);
}
