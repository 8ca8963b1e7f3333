/** One request and its answer. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { baseOf } from "../../decisions/links/base.ts"
import { headerValue, requestHeaders, responseHeaders } from "../../decisions/links/headers.ts"
import { scriptNonceOf } from "../../decisions/links/policy.ts"
import { originOf, prefixOf, type Target } from "../../decisions/links/target.ts"
import { decodersFor, documentKind, pump, type Sink } from "./body.ts"
import type { Core, Watched } from "./core.ts"
import { failureOf, ProxyFailure } from "./failures.ts"
import { cookieName, originFor } from "./guard.ts"
import { pathOf } from "./log.ts"
import { noteGarbage } from "./memory.ts"
import { failurePage, indexPage, sendPage } from "./pages.ts"
import { destinationOf } from "./routing.ts"
import { shimPath, shimScript, shimTag } from "./shim.ts"

/** Answers a request; `expectsContinue` where the client waits for 100 before it sends its body. */
export function answer(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue = false,
) {
  const startedAt = core.now()
  let cause: string | undefined
  let bytes = 0
  // Whoever was answered before all of a body came owes the rest for ever; nobody waits for it.
  if (hasBody(request)) {
    response.once("finish", () => {
      if (!request.complete) request.socket.destroySoon()
    })
  }
  response.on("close", () => {
    noteGarbage(bytes)
    core.log({
      atUtcMs: startedAt,
      method: request.method ?? "",
      path: pathOf(request.url ?? ""),
      status: response.statusCode,
      bytes,
      tookMs: core.now() - startedAt,
      ...(cause === undefined ? {} : { cause }),
    })
  })
  const fail = (status: number, what: string, why: string) => {
    cause = why
    const { title, body } = failurePage(status, what, why)
    // Nobody reads the rest of a refused body; what follows on this connection must not be taken for a request.
    sendPage(response, status, title, body, hasBody(request) ? ["Connection", "close"] : [])
  }
  const verdict = core.guard(request)
  if (verdict.kind === "refuse") return fail(verdict.status, "This proxy is somebody's own", verdict.reason)
  if (verdict.kind === "welcome") {
    const cookie = verdict.setCookie === null ? [] : ["Set-Cookie", verdict.setCookie]
    return redirect(response, 303, verdict.location, cookie)
  }
  if (core.withShim && request.url === shimPath) return sendShim(core, response)
  const destination = destinationOf(core, request)
  switch (destination.kind) {
    case "refuse":
      return fail(destination.status, destination.what, destination.cause)
    case "redirect":
      return redirect(response, 307, destination.location)
    case "index":
      return sendIndex(core, response, destination.status)
  }
  const exchange: Exchange = { core, request, response, ...destination, expectsContinue }
  forward(exchange, {
    sent: (count) => {
      bytes += count
    },
    fail(error) {
      const failure = failureOf(error)
      cause = failure.message
      if (response.headersSent || response.destroyed) response.destroy()
      else fail(failure.status, originOf(destination.target), failure.message)
    },
  })
}

interface Exchange {
  core: Core
  request: IncomingMessage
  response: ServerResponse
  target: Target
  prefix: string
  /** The backend's path and query. */
  rest: string
  expectsContinue: boolean
}

interface Reports {
  sent(bytes: number): void
  fail(error: unknown): void
}

/** These may be sent twice (RFC 9110 9.2.2), as when a kept connection turns out to have been closed. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"])

function forward(
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
  upstream.on("continue", () => response.writeContinue())
  upstream.on("upgrade", () => fail(new ProxyFailure(502, "the backend switched protocols unasked")))
  upstream.on("response", (incoming) => {
    answered = true
    watched.touch()
    // A part of a page cannot be rewritten by itself, and its ranges would count other bytes: ask for all of it.
    if (incoming.statusCode === 206 && !retry && canRepeat && kindOf(incoming) !== null) {
      finish()
      upstream.destroy()
      forward(exchange, reports, { fresh: false, whole: true })
      return
    }
    sendAnswer(exchange, incoming, watched, reports, fail, finish)
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

function headersFor({ core, request, target, prefix, expectsContinue }: Exchange, whole: boolean): string[] {
  const headers = requestHeaders(request.rawHeaders, {
    target,
    prefix,
    ownOrigin: originFor(request),
    ownHost: core.names.host,
    cookie: cookieName,
    client: core.clientOf(request),
    pseudonym: core.pseudonym,
    httpVersion: request.httpVersion,
  })
  const length = request.headers["content-length"]
  if (length !== undefined) headers.push("Content-Length", length)
  else if (request.headers["transfer-encoding"] !== undefined) headers.push("Transfer-Encoding", "chunked")
  if (expectsContinue) headers.push("Expect", "100-continue")
  return whole ? withoutRange(headers) : headers
}

function withoutRange(headers: string[]): string[] {
  return headers.filter((_, i) => !/^(?:range|if-range)$/i.test(headers[i - (i % 2)] as string))
}

function sendAnswer(
  { core, request, response, target, prefix, rest }: Exchange,
  incoming: IncomingMessage,
  watched: Watched,
  reports: Reports,
  fail: (error: unknown) => void,
  finish: () => void,
): void {
  const status = incoming.statusCode ?? 502
  const base = baseOf(target, prefix, rest)
  const links = core.linksFor(target)
  const ownOrigin = originFor(request)
  const coding = headerValue(incoming.rawHeaders, "content-encoding")
  const kind = status === 206 ? null : kindOf(incoming)
  const empty = request.method === "HEAD" || status === 204 || status === 304
  const decoders = kind === null || empty ? [] : decodersFor(coding)
  const rewritten = kind !== null && decoders !== null
  const nonce = scriptNonceOf(headerValue(incoming.rawHeaders, "content-security-policy") ?? "")
  const withShim = core.withShim && kind === "html"
  const headers = responseHeaders(incoming.rawHeaders, {
    base,
    links,
    ownOrigin,
    cookie: cookieName,
    rewritten: rewritten && status !== 304,
    shimSource: withShim ? ownOrigin + shimPath : null,
    pseudonym: core.pseudonym,
  })
  if (/^text\/event-stream/i.test(headerValue(incoming.rawHeaders, "content-type") ?? "")) {
    watched.deadline = Number.POSITIVE_INFINITY
  }
  const reason = incoming.statusMessage ?? ""
  if (empty) {
    response.writeHead(status, reason, headers as never)
    response.end()
    incoming.resume()
    finish()
    return
  }
  const document = rewritten
    ? { kind, base, links, ownOrigin, ...(withShim ? { shim: shimTag(prefix, nonce) } : {}) }
    : null
  const sink = new AnswerSink(
    response,
    { status, reason, headers, sized: !rewritten },
    watched,
    reports,
    fail,
    finish,
  )
  pump(incoming, decoders ?? [], document, core.limits, sink)
}

function kindOf(incoming: IncomingMessage) {
  return documentKind(headerValue(incoming.rawHeaders, "content-type"))
}

interface Head {
  status: number
  reason: string
  headers: string[]
  /** Whether the headers tell the body's length, or that there is none to tell. */
  sized: boolean
}

/** Writes an answer; one that is there at once goes out in one piece with its length, any other as it comes. */
class AnswerSink implements Sink {
  #first: Buffer[] | null = []
  #bytes = 0

  constructor(
    readonly response: ServerResponse,
    readonly head: Head,
    readonly watched: Watched,
    readonly reports: Reports,
    readonly fail: (error: unknown) => void,
    readonly finish: () => void,
  ) {
    setImmediate(() => {
      if (this.#first) this.#begin()
    })
  }

  write(bytes: Buffer): boolean {
    this.reports.sent(bytes.length)
    if (!this.#first) return this.response.write(bytes)
    this.#first.push(bytes)
    this.#bytes += bytes.length
    return this.#bytes < 256 * 1024 || this.#begin()
  }

  whenDrained(go: () => void): void {
    this.response.once("drain", go)
  }

  end(bytes: Buffer | null): void {
    if (bytes) this.reports.sent(bytes.length)
    const { response } = this
    if (this.#first) {
      const all = Buffer.concat(bytes ? [...this.#first, bytes] : this.#first)
      this.#first = null
      const { status, reason, headers, sized } = this.head
      if (!sized) headers.push("Content-Length", String(all.length))
      response.writeHead(status, reason, headers as never)
      response.end(all)
    } else if (bytes && bytes.length > 0) response.end(bytes)
    else response.end()
    this.finish()
  }

  touched(): void {
    this.watched.touch()
  }

  #begin(): boolean {
    const pieces = this.#first ?? []
    this.#first = null
    const { status, reason, headers } = this.head
    this.response.writeHead(status, reason, headers as never)
    if (pieces.length > 0) return this.response.write(Buffer.concat(pieces))
    this.response.flushHeaders()
    return true
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"]
  return length !== undefined ? length !== "0" : headers["transfer-encoding"] !== undefined
}

function redirect(response: ServerResponse, status: number, location: string, headers: string[] = []): void {
  const all = ["Location", location, "Content-Length", "0", "Cache-Control", "no-store"]
  response.writeHead(status, [...all, "Referrer-Policy", "same-origin", ...headers] as never)
  response.end()
}

function sendShim(core: Core, response: ServerResponse): void {
  const script = shimScript(core.allowed().entries)
  const headers = ["Content-Type", "text/javascript; charset=utf-8", "Cache-Control", "no-store"]
  response.writeHead(200, [...headers, "Content-Length", String(Buffer.byteLength(script))] as never)
  response.end(script)
}

function sendIndex(core: Core, response: ServerResponse, status: number): void {
  const entries = core.allowed().entries.map(({ host, ports, text }) => {
    const [first] = ports[0] ?? [80]
    return { text, href: host === null ? null : `${prefixOf({ scheme: "http", host, port: first })}/` }
  })
  sendPage(response, status, status === 200 ? "Backends" : "404 No such backend", indexPage(entries))
}
