/** Starts the proxy: the one way in for `microproxy`, `emr-proxy-into` and `hadoop_ec2 ui`. */

import { randomBytes } from "node:crypto"
import http from "node:http"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { Failed, messageOf } from "../../base/errors.ts"
import type { UtcMs } from "../../base/time.ts"
import type { AllowEntry, Allowed } from "../../decisions/proxy/allowed.ts"
import { hostInUrl } from "../../decisions/proxy/host.ts"
import { prefixOf, type Target } from "../../decisions/proxy/target.ts"
import { answer } from "./answer.ts"
import { openBackends } from "./backends.ts"
import type { Dial, TlsOptions } from "./dial.ts"
import { guardOf } from "./guard.ts"
import { HandOver } from "./hand_over.ts"
import { IdleWatch } from "./idle_watch.ts"
import { knownBackends } from "./known_backends.ts"
import { defaultLimits, type ProxyLimits } from "./limits.ts"
import type { LogEntry } from "./log.ts"
import { ownNames } from "./own_names.ts"
import type { ProxyContext } from "./proxy_context.ts"
import { isWebSocket } from "./request_facts.ts"
import { answerUpgrade } from "./upgrade.ts"

export interface ProxyDeps {
  /** How backends are reached: `directDial()`, `socksDial(…)`, or a tunnel's. */
  dial: Dial
  log(entry: LogEntry): void
  now(): UtcMs
  /** The host names and addresses of a cluster's nodes; asked again while the proxy is in use. */
  nodes?: () => Promise<string[]>
}

export interface ProxyOptions {
  /** An address of this host; port 0 takes a free one. */
  listen: { address: string; port: number }
  /** Shows all backends under one name, by path, as beyond loopback: their pages then share an origin. */
  byPath?: boolean
  /** The secret; `newToken()` makes one. */
  token: string
  allow: readonly AllowEntry[]
  legacyHosts: boolean
  /** Where unmatched paths go. */
  defaultSite: { target: Target; rest: string } | null
  shim: boolean
  tls: TlsOptions
  limits?: Partial<ProxyLimits>
}

export interface RunningProxy {
  /** `http://NAME.localhost:PORT`. */
  origin: string
  port: number
  /** An address to click: lets its reader in, and shows a path of a backend, or the index. */
  linkTo(target?: Target, rest?: string): string
  allowed(): Allowed
  close(): Promise<void>
}

/** 256 bits that nobody guesses, in characters that stand for themselves in a URL and a cookie. */
export function newToken(): string {
  return randomBytes(32).toString("base64url")
}

export async function startProxy(deps: ProxyDeps, options: ProxyOptions): Promise<RunningProxy> {
  const limits = { ...defaultLimits, ...options.limits }
  const known = await knownBackends(deps, options)
  const server = http.createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.requestHeadersMs,
    // A body may take as long as it moves; the idle watch sees to it.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(5000, limits.requestHeadersMs / 2),
    noDelay: true,
    shouldUpgradeCallback: isWebSocket,
  } as http.ServerOptions)
  server.maxConnections = limits.clientConnections
  const port = await listen(server, options.listen)
  const namedHosts = () => known.allowed().entries.flatMap(({ host }) => host ?? [])
  const names = ownNames(options.listen.address, port, options.byPath ? null : namedHosts)
  const handOver = new HandOver(deps.now)
  const proxy: ProxyContext = {
    names,
    guard: guardOf(names, options.token, handOver),
    handOver,
    lastShown: new Map(),
    secret: options.token,
    allowed: known.allowed,
    missed: known.missed,
    linksFor: (target, site) => known.linksFor(target, site, names),
    backends: openBackends(
      deps.dial,
      {
        get allowed() {
          return known.allowed()
        },
        ownPort: port,
      },
      options.tls,
      limits,
    ),
    limits,
    defaultSite: options.defaultSite,
    withShim: options.shim,
    pseudonym: `microproxy-${randomBytes(6).toString("hex")}`,
    // On loopback it can be no other, and asking costs a tenth of a small request.
    clientOf: names.anyAddress
      ? (request) => request.socket.remoteAddress ?? "unknown"
      : () => options.listen.address,
    now: deps.now,
    log: deps.log,
    idle: new IdleWatch(limits.idleMs, deps.now),
  }
  server.on("request", (request, response) => answer(proxy, request, response))
  server.on("checkContinue", (request, response) => answer(proxy, request, response, true))
  // The server forgets connections that were upgraded, and would wait for them for ever.
  const upgraded = new Set<Duplex>()
  server.on("upgrade", (request, socket, head) => {
    upgraded.add(socket)
    socket.once("close", () => upgraded.delete(socket))
    answerUpgrade(proxy, request, socket, head)
  })
  server.on("connect", (_request, socket) => {
    socket.on("error", () => {})
    socket.end("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status =
      error.code === "HPE_HEADER_OVERFLOW"
        ? "431 Request Header Fields Too Large"
        : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
          ? "408 Request Timeout"
          : "400 Bad Request"
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    else socket.destroy()
  })
  return {
    origin: names.origin,
    port,
    linkTo(target, rest = "/") {
      const path = target ? prefixOf(target) + rest : "/"
      return `${names.origin}${path}${path.includes("?") ? "&" : "?"}token=${options.token}`
    },
    allowed: known.allowed,
    async close() {
      proxy.idle.close()
      proxy.backends.close()
      const closed = new Promise<void>((done) => server.close(() => done()))
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await closed
    },
  }
}

async function listen(server: http.Server, { address, port }: ProxyOptions["listen"]): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new Failed("listen", `${hostInUrl(address)}:${port}: ${messageOf(error)}`)),
    )
    server.listen({ port, host: address }, () => resolve())
  })
  return (server.address() as AddressInfo).port
}
