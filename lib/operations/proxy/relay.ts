/** Passes a backend's answer on to the client: its headers, and its body rewritten or as it is. */
import { baseOf } from "../../decisions/proxy/base.ts"
import { charsetOf } from "../../decisions/proxy/charsets.ts"
import { documentKind, useOf } from "../../decisions/proxy/content_type.ts"
import { scriptNonceOf } from "../../decisions/proxy/policy.ts"
import { headerValue, headerValues } from "../../decisions/proxy/raw_headers.ts"
import { shimPath } from "../../decisions/proxy/reserved_paths.ts"
import { responseHeaders } from "../../decisions/proxy/response_headers.ts"
import type { AnswerBody } from "./answer_body.ts"
import { AnswerSink } from "./answer_sink.ts"
import { decodersFor, pump } from "./body.ts"
import type { Attempt } from "./exchange.ts"
import { ourCookies } from "./guard.ts"
import type { AnswerHead } from "./http_parser.ts"
import { requestOrigin } from "./request_facts.ts"
import { shimTag } from "./shim.ts"

/** `body` is still to come. */
export function relay(attempt: Attempt, incoming: AnswerHead, body: AnswerBody): void {
  const { exchange, route, site } = attempt
  const { proxy, request, response } = exchange
  const status = incoming.statusCode
  const base = baseOf(route.target, route.prefix, route.rest)
  const links = proxy.linksFor(route.target, site)
  const ownOrigin = site.origin
  const coding = headerValues(incoming.rawHeaders, "content-encoding").join(",")
  const use = useOf(requestOrigin(request))
  const found = status === 206 ? null : documentKind(incoming.rawHeaders)
  // What a page takes for a script or an image is none itself.
  const kind = use === "part" && (found === "html" || found === "unknown") ? null : found
  const empty = request.method === "HEAD" || status === 204 || status === 304
  const decoders = kind === null || empty ? [] : decodersFor(coding)
  const rewritten = kind !== null && decoders !== null
  const nonce = scriptNonceOf(headerValues(incoming.rawHeaders, "content-security-policy"))
  const withShim = proxy.withShim && use !== "data" && (kind === "html" || kind === "unknown")
  const headers = responseHeaders(incoming.rawHeaders, {
    base,
    links,
    ownOrigin,
    inFrame: site.inFrame,
    cookies: ourCookies,
    rewritten: rewritten && status !== 304,
    heldWeakly: status === 304 && /\bW\//.test(headerValue(request.rawHeaders, "if-none-match") ?? ""),
    shimSource: withShim ? ownOrigin + route.prefix + shimPath : null,
    pseudonym: proxy.pseudonym,
  })
  if (/^text\/event-stream/i.test(headerValue(incoming.rawHeaders, "content-type") ?? "")) {
    attempt.mayStaySilent()
  }
  const reason = incoming.statusMessage
  if (empty) {
    response.writeHead(status, reason, headers as never)
    response.end()
    attempt.finish()
    return
  }
  if (kind === "html" && use !== "data" && route.prefix !== "") proxy.lastShown.set(ownOrigin, route.target)
  const shim = withShim ? { shim: shimTag(route.prefix, nonce) } : {}
  const document = rewritten
    ? { kind, base, links, ownOrigin, use, charset: charsetOf(incoming.rawHeaders), ...shim }
    : null
  const head = { status, reason, headers, sized: !rewritten, decoded: (decoders ?? []).length > 0 }
  pump(body, decoders ?? [], document, proxy.limits, new AnswerSink(attempt, head))
}
