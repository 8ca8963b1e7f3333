/** WebSockets: after the handshake a raw pipe, which may be silent as long as it likes. */
import { type IncomingMessage, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { baseOf } from "../../decisions/proxy/base.ts"
import { responseHeaders } from "../../decisions/proxy/response_headers.ts"
import type { Core } from "./core.ts"
import { failureOf, ProxyFailure } from "./failures.ts"
import { cookieName, originFor } from "./guard.ts"
import { pathOf } from "./log.ts"
import { headersForBackend } from "./request_headers.ts"
import { destinationOf } from "./routing.ts"

/** Nothing else is passed on: `Upgrade: h2c` would open a way around every check of ours. */
export function isWebSocket({ headers, method }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket"
}

export function answerUpgrade(core: Core, request: IncomingMessage, client: Duplex, head: Buffer) {
  const startedAt = core.now()
  const finish = (status: number, cause?: string) =>
    core.log({
      atUtcMs: startedAt,
      method: "WebSocket",
      path: pathOf(request.url ?? ""),
      status,
      bytes: 0,
      tookMs: core.now() - startedAt,
      ...(cause === undefined ? {} : { cause }),
    })
  const refuse = (status: number, cause: string) => {
    finish(status, cause)
    client.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(cause)}\r\n\r\n${cause}`,
    )
  }
  client.on("error", () => client.destroy())
  const verdict = core.guard(request)
  if (verdict.kind === "refuse") return refuse(verdict.status, verdict.reason)
  if (verdict.kind === "welcome") return refuse(400, "open a page of this proxy first")
  const destination = destinationOf(core, request)
  if (destination.kind === "refuse") return refuse(destination.status, destination.cause)
  if (destination.kind !== "backend") return refuse(404, "no backend is meant")
  const { target, prefix, rest } = destination
  const upstream = core.backends.request({
    target,
    method: "GET",
    path: rest,
    headers: [
      ...headersForBackend(core, request, destination),
      ...["Connection", "Upgrade", "Upgrade", "websocket"],
    ],
    fresh: true,
  })
  const watched = core.idle.watch(() => {
    upstream.destroy(new ProxyFailure(504, `nothing came for ${core.limits.idleMs / 1000} s`))
  })
  let answered = false
  const gone = () => {
    watched.done()
    upstream.destroy(answered ? undefined : new ProxyFailure(502, "the client went away"))
    client.destroy()
  }
  client.on("close", gone)
  // A socket that nobody reads does not tell that its other end went away.
  const early: Buffer[] = []
  let earlyBytes = 0
  const keep = (chunk: Buffer) => {
    early.push(chunk)
    earlyBytes += chunk.length
    if (earlyBytes > core.limits.headerBytes) gone()
  }
  client.on("end", gone)
  client.on("data", keep)
  const headFor = (incoming: IncomingMessage, more: string[]) => {
    const headers = responseHeaders(incoming.rawHeaders, {
      base: baseOf(target, prefix, rest),
      links: core.linksFor(target),
      ownOrigin: originFor(request),
      cookie: cookieName,
      rewritten: false,
      heldWeakly: false,
      shimSource: null,
      pseudonym: core.pseudonym,
    })
    const lines = [`HTTP/1.1 ${incoming.statusCode} ${incoming.statusMessage ?? ""}`]
    const all = [...headers, ...more]
    for (let i = 0; i < all.length; i += 2) lines.push(`${all[i]}: ${all[i + 1]}`)
    return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")
  }
  upstream.on("error", (error) => {
    watched.done()
    const failure = failureOf(error)
    refuse(failure.status, failure.message)
  })
  upstream.on("response", (incoming) => {
    // The backend refuses: its answer ends with the connection.
    answered = true
    watched.done()
    finish(incoming.statusCode ?? 502)
    client.write(headFor(withoutLength(incoming), ["Connection", "close"]))
    incoming.pipe(client)
  })
  upstream.on("upgrade", (incoming, backend, first) => {
    answered = true
    watched.done()
    finish(101)
    client.write(headFor(incoming, ["Connection", "Upgrade", "Upgrade", "websocket"]))
    if (first.length > 0) client.write(first)
    client.off("end", gone)
    client.off("data", keep)
    for (const chunk of [head, ...early]) if (chunk.length > 0) backend.write(chunk)
    join(client, backend)
  })
  upstream.end()
}

/** Both ways; the end or failure of one side is that of the other. */
function join(client: Duplex, backend: Duplex): void {
  // What one side still has to say is sent on after the other has ended.
  backend.allowHalfOpen = true
  for (const [from, to] of [
    [client, backend],
    [backend, client],
  ] as const) {
    from.on("error", () => to.destroy())
    from.on("close", () => to.destroy())
    from.pipe(to)
  }
}

function withoutLength(incoming: IncomingMessage): IncomingMessage {
  const kept = incoming.rawHeaders.filter(
    (_, i, all) => (all[i - (i % 2)] as string).toLowerCase() !== "content-length",
  )
  incoming.rawHeaders.splice(0, incoming.rawHeaders.length, ...kept)
  return incoming
}
