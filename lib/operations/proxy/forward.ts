/** A request on its way to its backend, once more where a kept connection or a range asks for it. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { documentKind } from "../../decisions/proxy/content_type.ts"
import { headerValue } from "../../decisions/proxy/raw_headers.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import type { Core } from "./core.ts"
import { ProxyFailure } from "./failures.ts"
import { relay } from "./relay.ts"
import { headersForBackend } from "./request_headers.ts"

export interface Exchange {
  core: Core
  request: IncomingMessage
  response: ServerResponse
  target: Target
  prefix: string
  /** The backend's path and query. */
  rest: string
  expectsContinue: boolean
}

export interface Reports {
  sent(bytes: number): void
  fail(error: unknown): void
}

/** These may be sent twice (RFC 9110 9.2.2), as when a kept connection turns out to have been closed. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"])

/** Methods for which node:http expects no body where no length is given. */
const bodiless = new Set([...repeatable, "DELETE", "CONNECT"])

export function forward(
  exchange: Exchange,
  reports: Reports,
  retry: { fresh: boolean; whole: boolean } | null = null,
): void {
  const { core, request, response, target } = exchange
  const withBody = hasBody(request)
  const canRepeat = repeatable.has(request.method ?? "") && !withBody
  const upstream = core.backends.request({
    target,
    method: request.method ?? "GET",
    path: exchange.rest,
    headers: headersFor(exchange, retry?.whole ?? false),
    fresh: retry?.fresh ?? !canRepeat,
  })
  let answered = false
  let over = false
  const watched = core.idle.watch(() => {
    fail(new ProxyFailure(504, `nothing came for ${core.limits.idleMs / 1000} s`))
  })
  const finish = () => {
    over = true
    watched.done()
  }
  const fail = (error: unknown) => {
    if (over) return
    finish()
    upstream.destroy()
    reports.fail(error)
  }
  response.on("close", () => {
    if (over) return
    finish()
    upstream.destroy()
  })
  upstream.on("error", (error) => {
    if (over || answered) return fail(error)
    if (!canRepeat || retry || !upstream.reusedSocket) return fail(error)
    finish()
    forward(exchange, reports, { fresh: true, whole: false })
  })
  upstream.on("continue", () => {
    if (exchange.expectsContinue) response.writeContinue()
  })
  upstream.on("upgrade", () => fail(new ProxyFailure(502, "the backend switched protocols unasked")))
  upstream.on("response", (incoming) => {
    answered = true
    watched.touch()
    // A part of a page cannot be rewritten by itself, and its ranges would count other bytes: ask for all of it.
    if (incoming.statusCode === 206 && !retry && canRepeat && isDocument(incoming)) {
      finish()
      upstream.destroy()
      forward(exchange, reports, { fresh: false, whole: true })
      return
    }
    const why = unreadable(incoming)
    if (why) return fail(new ProxyFailure(502, why))
    relay(exchange, incoming, watched, reports, fail, finish)
  })
  if (!withBody) {
    upstream.end()
    return
  }
  if (exchange.expectsContinue) upstream.flushHeaders()
  request.on("data", watched.touch)
  request.on("error", fail)
  request.pipe(upstream)
}

function isDocument({ rawHeaders }: IncomingMessage): boolean {
  const kind = documentKind(rawHeaders)
  return kind !== null && kind !== "unknown"
}

function headersFor(exchange: Exchange, whole: boolean): string[] {
  const { core, request, expectsContinue } = exchange
  const headers = headersForBackend(core, request, exchange)
  const length = request.headers["content-length"]
  if (length !== undefined) headers.push("Content-Length", length)
  else if (request.headers["transfer-encoding"] !== undefined) headers.push("Transfer-Encoding", "chunked")
  // Without a length node:http would send an empty body in chunks, which old backends do not read.
  else if (!bodiless.has(request.method ?? "")) headers.push("Content-Length", "0")
  if (expectsContinue) headers.push("Expect", "100-continue")
  return whole ? withoutRange(headers) : headers
}

/** Why an answer that parses still cannot be passed on, or null. */
function unreadable({ statusCode = 0, statusMessage, rawHeaders }: IncomingMessage): string | null {
  if (statusCode < 200 || statusCode > 999) return `${statusCode} is no status`
  if (/[^\t -~\x80-\xff]/.test(statusMessage ?? "")) return "its status line holds control characters"
  const coding = headerValue(rawHeaders, "transfer-encoding")
  return coding === null || /^\s*chunked\s*$/i.test(coding) ? null : "its Transfer-Encoding is not understood"
}

function withoutRange(headers: string[]): string[] {
  return headers.filter((_, i) => !/^(?:range|if-range)$/i.test(headers[i - (i % 2)] as string))
}

export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"]
  return length !== undefined ? length !== "0" : headers["transfer-encoding"] !== undefined
}
