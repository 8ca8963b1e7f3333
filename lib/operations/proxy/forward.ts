/** Sends a request to its backend; a second time where a kept connection had closed, or a range asks for a part of a page. */
import type { Duplex } from "node:stream"
import { documentKind } from "../../decisions/proxy/content_type.ts"
import { headerValue, type RawHeaders } from "../../decisions/proxy/raw_headers.ts"
import { AnswerBody } from "./answer_body.ts"
import type { Answering } from "./backend_connection.ts"
import { Attempt, type BackendRoute, type Exchange, hasBody } from "./exchange.ts"
import { ProxyFailure } from "./failures.ts"
import type { Site } from "./guard.ts"
import type { AnswerHead } from "./http_parser.ts"
import { relay } from "./relay.ts"
import { headersForBackend } from "./request_headers.ts"

/** These may be sent twice (RFC 9110 9.2.2), as when a kept connection turns out to have been closed. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"])

/** Methods without a body where no length is given. */
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
  const attempt = new Attempt(exchange, site, route)
  const again = (how: Retry) => {
    attempt.abandon()
    forward(exchange, site, route, how)
  }
  let body: AnswerBody | null = null
  const answering: Answering = {
    ready(connection) {
      if (withBody) sendBody(attempt, connection.socket)
    },
    continued() {
      if (exchange.expectsContinue) response.writeContinue()
    },
    head(head) {
      attempt.touch()
      // A part of a page cannot be rewritten by itself, and its ranges would count other bytes: ask for all of it.
      if (head.statusCode === 206 && !retry && canRepeat && isDocument(head.rawHeaders)) {
        again({ fresh: false, whole: true })
        return
      }
      const why = unreadable(head)
      if (why) attempt.fail(new ProxyFailure(502, why))
      else {
        body = new AnswerBody(attempt)
        relay(attempt, head, body)
      }
    },
    body: (bytes) => body?.take(bytes),
    complete: () => body?.end(),
    upgraded(_head, socket) {
      socket.destroy()
      attempt.fail(new ProxyFailure(502, "the backend switched protocols unasked"))
    },
    failed(error) {
      if (body) body.fail(error)
      else if (!attempt.over && canRepeat && !retry && attempt.call?.reused)
        again({ fresh: true, whole: false })
      else attempt.fail(error)
    },
  }
  try {
    attempt.call = proxy.backends.request(
      {
        target: route.target,
        method: request.method ?? "GET",
        path: route.rest,
        headers: headersFor(exchange, site, route, retry?.whole ?? false),
        fresh: retry?.fresh ?? !canRepeat,
      },
      answering,
    )
  } catch (error) {
    attempt.fail(error)
  }
}

/** The client's body as it comes, no faster than the backend takes it. */
function sendBody(attempt: Attempt, socket: Duplex): void {
  const { request } = attempt.exchange
  const chunked = request.headers["transfer-encoding"] !== undefined
  const more = () => {
    request.resume()
  }
  request.on("data", (bytes: Buffer) => {
    attempt.touch()
    if (attempt.over || bytes.length === 0) return
    if (chunked) {
      socket.write(`${bytes.length.toString(16)}\r\n`, "latin1")
      socket.write(bytes)
    }
    if (!socket.write(chunked ? "\r\n" : bytes)) {
      request.pause()
      socket.once("drain", more)
    }
  })
  request.on("end", () => {
    if (chunked && !attempt.over) socket.write("0\r\n\r\n", "latin1")
  })
  request.on("error", (error) => attempt.fail(error))
}

function isDocument(rawHeaders: RawHeaders): boolean {
  const kind = documentKind(rawHeaders)
  return kind !== null && kind !== "unknown"
}

function headersFor(exchange: Exchange, site: Site, route: BackendRoute, whole: boolean): string[] {
  const { proxy, request, expectsContinue } = exchange
  const headers = headersForBackend(proxy, request, site, route)
  const length = request.headers["content-length"]
  if (length !== undefined) headers.push("Content-Length", length)
  else if (request.headers["transfer-encoding"] !== undefined) headers.push("Transfer-Encoding", "chunked")
  else if (!bodiless.has(request.method ?? "")) headers.push("Content-Length", "0")
  if (expectsContinue) headers.push("Expect", "100-continue")
  return whole ? withoutRange(headers) : headers
}

/** Why an answer that parses still cannot be passed on, or null. */
function unreadable({ statusCode, statusMessage, rawHeaders }: AnswerHead): string | null {
  if (statusCode < 200 || statusCode > 999) return `${statusCode} is no status`
  if (/[^\t -~\x80-\xff]/.test(statusMessage)) return "its status line holds control characters"
  const coding = headerValue(rawHeaders, "transfer-encoding")
  return coding === null || /^\s*chunked\s*$/i.test(coding) ? null : "its Transfer-Encoding is not understood"
}

function withoutRange(headers: string[]): string[] {
  return headers.filter((_, i) => !/^(?:range|if-range)$/i.test(headers[i - (i % 2)] as string))
}
