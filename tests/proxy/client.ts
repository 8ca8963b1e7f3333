/** A proxy in this process, backends beside it, and a client that writes requests byte by byte. */

import http from "node:http"
import net, { type AddressInfo } from "node:net"
import { utcMsOf } from "../../lib/base/time.ts"
import { parseAllow } from "../../lib/decisions/proxy/allowed.ts"
import { type Dial, directDial, type Resolve } from "../../lib/operations/proxy/dial.ts"
import type { ProxyLimits } from "../../lib/operations/proxy/limits.ts"
import type { LogEntry } from "../../lib/operations/proxy/log.ts"
import {
  newToken,
  type ProxyOptions,
  type RunningProxy,
  startProxy,
} from "../../lib/operations/proxy/start.ts"

export interface Answer {
  status: number
  headers: Record<string, string[]>
  body: Buffer
  text: string
}

export interface NamedSite {
  host: string
  origin: string
  cookie: string
  get(path: string, headers?: Record<string, string | undefined>): Promise<Answer>
}

/** What browsers say of a link that is followed. */
export const navigation = {
  "Sec-Fetch-Site": "same-origin",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Dest": "document",
}

export interface TestProxy {
  proxy: RunningProxy
  token: string
  host: string
  log: LogEntry[]
  /** GETs with the cookie; never follows redirects. */
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** Any request; headers replace what would be sent. */
  send(
    method: string,
    path: string,
    headers?: Record<string, string | undefined>,
    body?: string,
  ): Promise<Answer>
  /** A backend under its own name, entered as a browser does it. */
  named(prefix: string): Promise<NamedSite>
  /** Writes these bytes on a connection of its own; what came back when it ended, or after `ms`. */
  raw(bytes: string, ms?: number): Promise<string>
  close(): Promise<void>
}

interface TestOptions extends Partial<Omit<ProxyOptions, "allow" | "limits">> {
  allow?: string[]
  dial?: Dial
  resolve?: Resolve
  limits?: Partial<ProxyLimits>
}

export async function testProxy({ allow = [], dial, resolve, ...options }: TestOptions): Promise<TestProxy> {
  const token = newToken()
  const log: LogEntry[] = []
  const proxy = await startProxy(
    { dial: dial ?? directDial(resolve), log: (entry) => log.push(entry), now: () => utcMsOf(Date.now()) },
    {
      listen: { address: "127.0.0.1", port: 0 },
      token,
      allow: allow.map(parseAllow),
      legacyHosts: false,
      defaultSite: null,
      shim: false,
      tls: { ca: null, insecure: false },
      ...options,
    },
  )
  const host = new URL(proxy.origin).host
  const send: TestProxy["send"] = (method, path, headers = {}, body) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }
      const all = { Host: host, Cookie: `microproxy=${token}`, ...length, ...headers }
      const kept = Object.entries(all).filter(([, value]) => value !== undefined) as [string, string][]
      const request = http.request(
        {
          host: "127.0.0.1",
          port: proxy.port,
          method,
          path,
          headers: Object.fromEntries(kept),
          agent: false,
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("error", reject)
          response.on("end", () => {
            const whole = Buffer.concat(chunks)
            const all: Record<string, string[]> = {}
            for (let i = 0; i < response.rawHeaders.length; i += 2) {
              const name = (response.rawHeaders[i] as string).toLowerCase()
              all[name] = [...(all[name] ?? []), response.rawHeaders[i + 1] as string]
            }
            resolve({
              status: response.statusCode ?? 0,
              headers: all,
              body: whole,
              text: whole.toString("latin1"),
            })
          })
        },
      )
      request.on("error", reject)
      request.end(body)
    })
  const named = async (prefix: string): Promise<NamedSite> => {
    const handedOver = await send("GET", `${prefix}/`, navigation)
    const entrance = new URL(handedOver.headers.location?.[0] ?? "")
    const at = { Host: entrance.host }
    const entered = await send("GET", entrance.pathname + entrance.search, { ...at, Cookie: undefined })
    const [cookie = ""] = (entered.headers["set-cookie"]?.[0] ?? "").split(";")
    return {
      host: entrance.host,
      origin: entrance.origin,
      cookie,
      get: (path, headers) => send("GET", path, { ...at, Cookie: cookie, ...headers }),
    }
  }
  return {
    proxy,
    token,
    named,
    host,
    log,
    send,
    get: (path, headers) => send("GET", path, headers),
    raw: (bytes, ms = 3000) => rawRequest(proxy.port, bytes, ms),
    close: () => proxy.close(),
  }
}

export function rawRequest(port: number, bytes: string, ms: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ""
    const socket = net.connect(port, "127.0.0.1", () => socket.write(Buffer.from(bytes, "latin1")))
    const timer = setTimeout(() => socket.destroy(), ms)
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      clearTimeout(timer)
      resolve(text)
    })
  })
}

export interface Backend {
  port: number
  /** `/127.0.0.1/PORT`. */
  prefix: string
  /** Every request as it came: the first line and the headers. */
  requests: { line: string; headers: Record<string, string>; raw: string[] }[]
  server: http.Server
  close(): void
}

/** A backend of node:http that remembers what it was asked. */
export async function testBackend(handler: http.RequestListener): Promise<Backend> {
  const requests: Backend["requests"] = []
  const server = http.createServer((request, response) => {
    const headers: Record<string, string> = {}
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      headers[(request.rawHeaders[i] as string).toLowerCase()] = request.rawHeaders[i + 1] as string
    }
    requests.push({ line: `${request.method} ${request.url}`, headers, raw: request.rawHeaders })
    handler(request, response)
  })
  const port = await listening(server)
  return {
    port,
    prefix: `/127.0.0.1/${port}`,
    requests,
    server,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A backend that answers every connection with these bytes, whatever was asked. */
export async function rawBackend(answer: (request: string, socket: net.Socket) => string | null) {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    socket.on("data", (chunk) => {
      const text = answer(chunk.toString("latin1"), socket)
      if (text !== null) socket.write(Buffer.from(text, "latin1"))
    })
  })
  const port = await listening(server)
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port, prefix: `/127.0.0.1/${port}`, sockets, close }
}

function listening(server: net.Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
  })
}
