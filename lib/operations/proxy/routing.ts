/** Where a request goes, once it may be made at all. */
import type { IncomingMessage } from "node:http"
import { headerValue } from "../../decisions/proxy/raw_headers.ts"
import { originOf, prefixOf, type Route, routeOf, type Target } from "../../decisions/proxy/target.ts"
import { originFor } from "./guard.ts"
import type { ProxyContext } from "./proxy_context.ts"

export type Destination =
  | { kind: "backend"; target: Target; prefix: string; rest: string }
  | { kind: "redirect"; location: string }
  | { kind: "index"; status: 200 | 404 }
  | { kind: "refuse"; status: 400 | 403 | 501 | 508; what: string; cause: string }

export function destinationOf(proxy: ProxyContext, request: IncomingMessage): Destination {
  const url = request.url ?? "/"
  const framing = wrongFraming(request)
  if (framing) return framing
  // As `token=` it was taken out; anywhere else it would be sent to a backend.
  if (url.includes(proxy.secret)) {
    return { kind: "refuse", status: 400, what: "The address", cause: "it holds the secret of this proxy" }
  }
  if (headerValue(request.rawHeaders, "via")?.includes(proxy.pseudonym)) {
    return {
      kind: "refuse",
      status: 508,
      what: "A loop",
      cause: "this request went through this proxy before",
    }
  }
  const route = url.includes("#") ? malformed("the path holds a fragment") : routeOf(url)
  if (route.kind === "malformed")
    return { kind: "refuse", status: 400, what: url.slice(0, 200), cause: route.reason }
  if (route.kind === "unmatched") return fallback(proxy, request, url)
  const { host, port } = route.target
  if (!proxy.allowed().permits(host, port)) {
    // `/api/1/jobs` of a page's own backend reads like a host, too: no cluster's node has a name of one bare word.
    if (/^[a-z][\w-]*$/.test(host) && host !== "localhost" && refererRoute(proxy, request)) {
      return fallback(proxy, request, url)
    }
    proxy.missed()
    const cause = "it is not among the allowed backends (--allow, --cluster)"
    return { kind: "refuse", status: 403, what: originOf(route.target), cause }
  }
  if (route.kind === "slash") return { kind: "redirect", location: route.location }
  return route
}

/** A path of no backend: of the page that it was linked from, else of the default site. */
function fallback(proxy: ProxyContext, request: IncomingMessage, url: string): Destination {
  const from = refererRoute(proxy, request)
  if (from) return { kind: "redirect", location: from.prefix + url }
  const site = proxy.defaultSite
  if (site) {
    const rest = url === "/" ? site.rest : url
    return { kind: "redirect", location: prefixOf(site.target) + rest }
  }
  return { kind: "index", status: /^\/(?:\?|$)/.test(url) ? 200 : 404 }
}

function refererRoute(
  proxy: ProxyContext,
  request: IncomingMessage,
): Extract<Route, { kind: "backend" }> | null {
  const { referer } = request.headers
  const origin = originFor(request)
  if (!referer?.startsWith(`${origin}/`)) return null
  const route = routeOf(referer.slice(origin.length))
  if (route.kind !== "backend") return null
  return proxy.allowed().permits(route.target.host, route.target.port) ? route : null
}

/** What two servers could take for different lengths is taken by none. */
function wrongFraming({ headers, httpVersion }: IncomingMessage): Destination | null {
  const coding = headers["transfer-encoding"]
  if (coding === undefined) return null
  const cause =
    headers["content-length"] !== undefined
      ? "it has both Content-Length and Transfer-Encoding"
      : httpVersion === "1.0"
        ? "it has Transfer-Encoding in HTTP/1.0"
        : null
  if (cause) return { kind: "refuse", status: 400, what: "The request's length is ambiguous", cause }
  if (coding.trim().toLowerCase() === "chunked") return null
  return { kind: "refuse", status: 501, what: "Transfer-Encoding", cause: "only chunked is understood" }
}

function malformed(reason: string): Route {
  return { kind: "malformed", reason }
}
