/** Starts the proxy: the one way in for `microproxy`, `emr-proxy-into` and `hadoop_ec2 ui`. */
import { randomBytes } from "node:crypto"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { hostname } from "node:os"
import type { Duplex } from "node:stream"
import { Failed, messageOf } from "../../base/errors.ts"
import { isLoopback } from "../../decisions/links/address.ts"
import { type AllowEntry, type Allowed, allowedBy, allowHosts } from "../../decisions/links/allowed.ts"
import { hostInUrl } from "../../decisions/links/host.ts"
import { type LinkMap, linkMap } from "../../decisions/links/link_map.ts"
import { prefixOf, type Target } from "../../decisions/links/target.ts"
import { openBackends } from "./backends.ts"
import { type Core, IdleWatch } from "./core.ts"
import type { Dial, TlsOptions } from "./dial.ts"
import { answer } from "./exchange.ts"
import { guardOf, type OwnNames } from "./guard.ts"
import { defaultLimits, type Limits } from "./limits.ts"
import type { LogEntry } from "./log.ts"
import { answerUpgrade, isWebSocket } from "./upgrade.ts"

export interface ProxyDeps {
  /** How backends are reached: `directDial()`, `socksDial(…)`, or a tunnel's. */
  dial: Dial
  log(entry: LogEntry): void
  now(): number
  /** The host names and addresses of a cluster's nodes; asked again while the proxy is in use. */
  nodes?: () => Promise<string[]>
}

export interface ProxyOptions {
  /** An address of this host; port 0 takes a free one. */
  listen: { address: string; port: number }
  /** The secret; `newToken()` makes one. */
  token: string
  allow: readonly AllowEntry[]
  legacyHosts: boolean
  /** Where unmatched paths go. */
  defaultSite: { target: Target; rest: string } | null
  shim: boolean
  tls: TlsOptions
  limits?: Partial<Limits>
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

/** How long the nodes of a cluster are taken for known: soon after, an address may be somebody else's instance. */
const nodesFreshMs = 20_000
/** Whoever asks for a host that is not known may mean a node that came up just now. */
const nodesAskedAgainMs = 2_000

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
  const names = ownNames(options.listen.address, port)
  const core: Core = {
    names,
    guard: guardOf(names, options.token),
    secret: options.token,
    allowed: known.allowed,
    missed: known.missed,
    linksFor: known.linksWith(names),
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
  server.on("request", (request, response) => answer(core, request, response))
  server.on("checkContinue", (request, response) => answer(core, request, response, true))
  // The server forgets connections that were upgraded, and would wait for them for ever.
  const upgraded = new Set<Duplex>()
  server.on("upgrade", (request, socket, head) => {
    upgraded.add(socket)
    socket.once("close", () => upgraded.delete(socket))
    answerUpgrade(core, request, socket, head)
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
      core.idle.close()
      core.backends.close()
      const closed = new Promise<void>((done) => server.close(() => done()))
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await closed
    },
  }
}

/** The allowed set, which follows the cluster's nodes while requests come. */
async function knownBackends({ nodes, now }: ProxyDeps, options: ProxyOptions) {
  const { legacyHosts } = options
  let askedAt = now()
  let allowed = allowedBy([...options.allow, ...allowHosts(nodes ? await nodes() : [])], { legacyHosts })
  let links = new Map<string, LinkMap>()
  const refresh = (ask: () => Promise<string[]>) => {
    askedAt = now()
    ask().then(
      (hosts) => {
        allowed = allowedBy([...options.allow, ...allowHosts(hosts)], { legacyHosts })
        links = new Map()
      },
      // The nodes that were known stay known; the next question comes in its time.
      () => {},
    )
  }
  return {
    allowed() {
      if (nodes && now() - askedAt > nodesFreshMs) refresh(nodes)
      return allowed
    },
    missed() {
      if (nodes && now() - askedAt > nodesAskedAgainMs) refresh(nodes)
    },
    linksWith: (names: OwnNames) => (target: Target) => {
      const key = prefixOf(target)
      let map = links.get(key)
      if (!map) {
        if (links.size > 256) links.clear()
        map = linkMap(allowed, { target, authorities: [names.host] })
        links.set(key, map)
      }
      return map
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

/**
 * A name of our own under localhost, made anew each time: cookies ignore ports, so one for `localhost` would go to every
 * server on this host that the student's browser visits. Listening to the network, it is the address or this host's name.
 */
function ownNames(address: string, port: number): OwnNames {
  if (!isLoopback(address)) {
    const everywhere = address === "0.0.0.0" || address === "::"
    const host = `${everywhere ? hostname().toLowerCase() : hostInUrl(address)}:${port}`
    return { origin: `http://${host}`, host, hosts: new Set([host]), anyAddress: true, entrances: new Set() }
  }
  const host = `mp-${randomBytes(8).toString("hex")}.localhost:${port}`
  const entrances = ["localhost", "127.0.0.1", "[::1]", hostInUrl(address)].map((name) => `${name}:${port}`)
  return {
    origin: `http://${host}`,
    host,
    hosts: new Set([host]),
    anyAddress: false,
    entrances: new Set(entrances),
  }
}
