/** A microproxy that runs, and a client that asks it and others alike. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import net from "node:net"
import { join } from "node:path"
import { root } from "../../support/build.ts"

const microproxy = join(root, "dist/libexec/microproxy")
export const ports = { backend: 28601, subFilter: 28602, proxy: 28603, webSockets: 28604 }

export interface Site {
  port: number
  prefix: string
  host: string
  cookie: string
}

/** Its log goes to `errors`. */
export async function startMicroproxy(errors: "inherit" | "ignore" = "inherit") {
  const allow = [`127.0.0.1:${ports.backend}`, `127.0.0.1:${ports.webSockets}`, "10.0.0.0/24"]
  const command = existsSync(microproxy) ? [microproxy] : ["bun", join(root, "scripts/microproxy.ts")]
  const args = [String(ports.proxy), "--json", "--quiet", ...allow.flatMap((one) => ["--allow", one])]
  const child = spawn(command[0] as string, [...command.slice(1), ...args], {
    stdio: ["ignore", "pipe", errors],
  })
  const line = await new Promise<string>((resolve) =>
    child.stdout.once("data", (chunk) => resolve(chunk.toString())),
  )
  const { url, origin } = JSON.parse(line) as { url: string; origin: string }
  return { child, host: new URL(origin).host, cookie: `microproxy=${new URL(url).searchParams.get("token")}` }
}

export function rssMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

/** Kept connections that ask one after another; a client of our own, so that both are asked alike. */
export async function drive(site: Site, path: string, connections: number, requests: number) {
  const request = Buffer.from(
    `GET ${site.prefix}${path} HTTP/1.1\r\nHost: ${site.host}\r\nCookie: ${site.cookie}\r\n\r\n`,
  )
  const times: number[] = []
  let left = requests
  const started = performance.now()
  await Promise.all(
    Array.from({ length: connections }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const socket = net.connect({ port: site.port, host: "127.0.0.1", noDelay: true })
      let sentAt = 0
      let reader = answerReader()
      const next = () => {
        if (left-- <= 0) {
          socket.destroy()
          resolve()
          return
        }
        reader = answerReader()
        sentAt = performance.now()
        socket.write(request)
      }
      socket.on("connect", next)
      socket.on("error", reject)
      socket.on("data", (chunk: Buffer) => {
        const state = reader(chunk)
        if (state === "failed") reject(new Error(`not 200: ${chunk.toString("latin1", 0, 200)}`))
        else if (state === "whole") {
          times.push(performance.now() - sentAt)
          next()
        }
      })
      return promise
    }),
  )
  times.sort((a, b) => a - b)
  return {
    p50: times[Math.floor(times.length / 2)] as number,
    perSecond: (times.length * 1000) / (performance.now() - started),
  }
}

/** Counts an answer's bytes by its Content-Length, or to its last chunk. */
function answerReader(): (chunk: Buffer) => "more" | "whole" | "failed" {
  let left: number | null = null
  let tail = ""
  let chunked = false
  return (chunk) => {
    if (left === null && !chunked) {
      const head = chunk.toString("latin1", 0, 4096)
      const end = head.indexOf("\r\n\r\n")
      if (!head.startsWith("HTTP/1.1 200") || end < 0) return "failed"
      const length = /^content-length: (\d+)/im.exec(head.slice(0, end))?.[1]
      if (length === undefined) chunked = true
      else left = Number(length) + end + 4
    }
    if (left !== null) left -= chunk.length
    else tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - 7))).slice(-7)
    return left === 0 || (chunked && tail === "\r\n0\r\n\r\n") ? "whole" : "more"
  }
}
