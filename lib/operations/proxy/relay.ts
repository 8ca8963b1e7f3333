/** A backend's answer on its way to the client: its headers, and what becomes of its body. */
import type { IncomingMessage } from "node:http"
import { baseOf } from "../../decisions/proxy/base.ts"
import { documentKind } from "../../decisions/proxy/content_type.ts"
import { scriptNonceOf } from "../../decisions/proxy/policy.ts"
import { headerValue, headerValues } from "../../decisions/proxy/raw_headers.ts"
import { responseHeaders } from "../../decisions/proxy/response_headers.ts"
import { AnswerSink } from "./answer_sink.ts"
import { decodersFor, pump } from "./body.ts"
import type { Watched } from "./core.ts"
import type { Exchange, Reports } from "./forward.ts"
import { cookieName, originFor } from "./guard.ts"
import { shimPath, shimTag } from "./shim.ts"

export function relay(
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
  const coding = headerValues(incoming.rawHeaders, "content-encoding").join(",")
  const kind = status === 206 ? null : documentKind(incoming.rawHeaders)
  const empty = request.method === "HEAD" || status === 204 || status === 304
  const decoders = kind === null || empty ? [] : decodersFor(coding)
  const rewritten = kind !== null && decoders !== null
  const nonce = scriptNonceOf(headerValues(incoming.rawHeaders, "content-security-policy"))
  const withShim = core.withShim && (kind === "html" || kind === "unknown")
  const headers = responseHeaders(incoming.rawHeaders, {
    base,
    links,
    ownOrigin,
    cookie: cookieName,
    rewritten: rewritten && status !== 304,
    heldWeakly: status === 304 && /\bW\//.test(headerValue(request.rawHeaders, "if-none-match") ?? ""),
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
    { status, reason, headers, sized: !rewritten, decoded: (decoders ?? []).length > 0 },
    watched,
    reports,
    fail,
    finish,
  )
  pump(incoming, decoders ?? [], document, core.limits, sink)
}
