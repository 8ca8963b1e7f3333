/** Sends a request to its backend; a second time where a kept connection had closed, or a range asks for a part of a page. */
import type { IncomingMessage } from "node:http"
import { documentKind } from "../../decisions/proxy/content_type.ts"
import { headerValue } from "../../decisions/proxy/raw_headers.ts"
import { Attempt, type BackendRoute, type Exchange, hasBody } from "./exchange.ts"
import { ProxyFailure } from "./failures.ts"
import type { Site } from "./guard.ts"
import { relay } from "./relay.ts"
import { headersForBackend } from "./request_headers.ts"

/** These may be sent twice (RFC 9110 9.2.2), as when a kept connection turns out to have been closed. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"])

/** Methods for which node:http expects no body where no length is given. */
const bodiless = new Set([...repeatable, "DELETE", "CONNECT"])

/** How a second try differs from the first. */
interface Retry {
  /** On a connection of its own. */
  fresh: boolean
  /** Without Range. */
  whole: boolean
}

/** `retry` is null at the first try; there is no third. */
export function forward(
  exchange: Exchange,
  site: Site,
  route: BackendRoute,
  retry: Retry | null = null,
): void {
  const { proxy, request, response } = exchange
  const withBody = hasBody(request)
  const canRepeat = repeatable.has(request.method ?? "") && !withBody
  const upstream = proxy.backends.request({
    target: route.target,
    method: request.method ?? "GET",
    path: route.rest,
    headers: headersFor(exchange, site, route, retry?.whole ?? false),
    fresh: retry?.fresh ?? !canRepeat,
  })
  const attempt = new Attempt(exchange, site, route, upstream)
  const again = (how: Retry) => {
    attempt.abandon()
    forward(exchange, site, route, how)
  }
  let answered = false
  upstream.on("error", (error) => {
    if (!attempt.over && !answered && canRepeat && !retry && upstream.reusedSocket)
      again({ fresh: true, whole: false })
    else attempt.fail(error)
  })
  upstream.on("continue", () => {
    if (exchange.expectsContinue) response.writeContinue()
  })
  upstream.on("upgrade", () => attempt.fail(new ProxyFailure(502, "the backend switched protocols unasked")))
  upstream.on("response", (incoming) => {
    answered = true
    attempt.touch()
    // A part of a page cannot be rewritten by itself, and its ranges would count other bytes: ask for all of it.
    if (incoming.statusCode === 206 && !retry && canRepeat && isDocument(incoming)) {
      again({ fresh: false, whole: true })
      return
    }
    const why = unreadable(incoming)
    if (why) attempt.fail(new ProxyFailure(502, why))
    else relay(attempt, incoming)
  })
  if (!withBody) {
    upstream.end()
    return
  }
  if (exchange.expectsContinue) upstream.flushHeaders()
  request.on("data", () => attempt.touch())
  request.on("error", (error) => attempt.fail(error))
  request.pipe(upstream)
}

function isDocument({ rawHeaders }: IncomingMessage): boolean {
  const kind = documentKind(rawHeaders)
  return kind !== null && kind !== "unknown"
}

function headersFor(exchange: Exchange, site: Site, route: BackendRoute, whole: boolean): string[] {
  const { proxy, request, expectsContinue } = exchange
  const headers = headersForBackend(proxy, request, site, route)
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
