/** WebSockets: the handshake like any request, after it a raw pipe, which may be silent as long as it likes. */

import { type IncomingMessage, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import type { UtcMs } from "../../base/time.ts"
import { baseOf } from "../../decisions/proxy/base.ts"
import { responseHeaders } from "../../decisions/proxy/response_headers.ts"
import type { BackendCall } from "./backends.ts"
import type { BackendRoute } from "./exchange.ts"
import { failureOf, ProxyFailure } from "./failures.ts"
import { ourCookies, type Site } from "./guard.ts"
import type { AnswerHead } from "./http_parser.ts"
import type { Watched } from "./idle_watch.ts"
import { pathOf } from "./log.ts"
import type { ProxyContext } from "./proxy_context.ts"
import { headersForBackend } from "./request_headers.ts"
import { type Destination, destinationOf } from "./routing.ts"

const switchToWebSocket = ["Connection", "Upgrade", "Upgrade", "websocket"]
const closing = ["Connection", "close"]

/** Answers a handshake; `head` is what the client sent behind it. */
export function answerUpgrade(
  proxy: ProxyContext,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): void {
  const handshake = new Handshake(proxy, request, client)
  client.on("error", () => client.destroy())
  const verdict = proxy.guard(request)
  if (verdict.kind === "pass") {
    handshake.answer(destinationOf(proxy, request, verdict.site), verdict.site, head)
  } else if (verdict.kind === "refuse") handshake.refuse(verdict.status, verdict.reason)
  else handshake.refuse(400, "open a page of this proxy first")
}

/** A client's handshake until the backend has answered it. */
class Handshake {
  readonly #startedAtMs: UtcMs
  /** What the client sends before its backend has answered. */
  readonly #early: Buffer[] = []
  #earlyBytes = 0
  #answered = false
  #watched: Watched | null = null
  #call: BackendCall | null = null

  constructor(
    readonly proxy: ProxyContext,
    readonly request: IncomingMessage,
    readonly client: Duplex,
  ) {
    this.#startedAtMs = proxy.now()
  }

  answer(destination: Destination, site: Site, head: Buffer): void {
    if (destination.kind === "refuse") this.refuse(destination.status, destination.cause)
    else if (destination.kind !== "backend") this.refuse(404, "no backend is meant")
    else this.#passTo(destination, site, head)
  }

  refuse(status: number, cause: string): void {
    this.#log(status, cause)
    this.client.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(cause)}\r\n\r\n${cause}`,
    )
  }

  #passTo(route: BackendRoute, site: Site, head: Buffer): void {
    const { proxy, request, client } = this
    this.#watched = proxy.idle.watch(() => {
      this.#fail(new ProxyFailure(504, `nothing came for ${proxy.limits.idleMs / 1000} s`))
    })
    client.on("close", this.#clientGone)
    // A socket that nobody reads does not tell that its other end went away.
    client.on("end", this.#clientGone)
    client.on("data", this.#keep)
    const ignore = () => {}
    this.#call = proxy.backends.request(
      {
        target: route.target,
        method: "GET",
        path: route.rest,
        headers: [...headersForBackend(proxy, request, site, route), ...switchToWebSocket],
        fresh: true,
      },
      {
        ready: ignore,
        continued: ignore,
        head: (incoming) =>
          this.#passRefusal(
            incoming.statusCode,
            this.#headFor(route, site, withoutLength(incoming), closing),
          ),
        body: (bytes) => this.#passRefusalOn(bytes),
        complete: () => client.end(),
        failed: (error) => this.#fail(error),
        upgraded: (incoming, backend, first) => {
          this.#settle(101)
          client.write(this.#headFor(route, site, incoming, switchToWebSocket))
          if (first.length > 0) client.write(first)
          client.off("end", this.#clientGone)
          client.off("data", this.#keep)
          for (const chunk of [head, ...this.#early]) if (chunk.length > 0) backend.write(chunk)
          join(client, backend)
        },
      },
    )
  }

  /** The backend refuses: its answer ends with the connection. */
  #passRefusal(status: number, bytes: Buffer): void {
    this.#settle(status)
    this.client.write(bytes)
  }

  #passRefusalOn(bytes: Buffer): void {
    const socket = this.#call?.connection?.socket
    if (this.client.write(bytes) || !socket) return
    socket.pause()
    this.client.once("drain", () => socket.resume())
  }

  #fail(error: unknown): void {
    this.#call?.destroy()
    this.#watched?.done()
    if (this.#answered) {
      this.client.destroy()
      return
    }
    this.#answered = true
    const failure = failureOf(error)
    this.refuse(failure.status, failure.message)
  }

  #settle(status: number): void {
    this.#answered = true
    this.#watched?.done()
    this.#log(status)
  }

  readonly #clientGone = () => {
    this.#watched?.done()
    this.#call?.destroy()
    if (!this.#answered) this.#log(502, "the client went away")
    this.#answered = true
    this.client.destroy()
  }

  readonly #keep = (chunk: Buffer) => {
    this.#early.push(chunk)
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > this.proxy.limits.headerBytes) this.#clientGone()
  }

  #headFor(route: BackendRoute, site: Site, incoming: AnswerHead, more: string[]): Buffer {
    const { proxy } = this
    const headers = responseHeaders(incoming.rawHeaders, {
      base: baseOf(route.target, route.prefix, route.rest),
      links: proxy.linksFor(route.target, site),
      ownOrigin: site.origin,
      inFrame: site.inFrame,
      cookies: ourCookies,
      rewritten: false,
      heldWeakly: false,
      shimSource: null,
      pseudonym: proxy.pseudonym,
    })
    const lines = [`HTTP/1.1 ${incoming.statusCode} ${incoming.statusMessage}`]
    const all = [...headers, ...more]
    for (let i = 0; i < all.length; i += 2) lines.push(`${all[i]}: ${all[i + 1]}`)
    return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")
  }

  #log(status: number, cause?: string): void {
    const { proxy, request } = this
    proxy.log({
      atUtcMs: this.#startedAtMs,
      method: "WebSocket",
      path: pathOf(request.url ?? ""),
      status,
      bytes: 0,
      tookMs: proxy.now() - this.#startedAtMs,
      ...(cause === undefined ? {} : { cause }),
    })
  }
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

/** The connection's end ends the body; chunks are taken apart before. */
function withoutLength(head: AnswerHead): AnswerHead {
  const rawHeaders = head.rawHeaders.filter(
    (_, i, all) => (all[i - (i % 2)] as string).toLowerCase() !== "content-length",
  )
  return { ...head, rawHeaders }
}
