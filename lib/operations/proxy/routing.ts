/** Where a request goes, once it may be made at all. */
import type { IncomingMessage } from "node:http"
import { useOf } from "../../decisions/proxy/content_type.ts"
import { isNavigation } from "../../decisions/proxy/crossing.ts"
import { headerValue } from "../../decisions/proxy/raw_headers.ts"
import { crossingPath, shimPath } from "../../decisions/proxy/reserved_paths.ts"
import { originOf, prefixOf, type Route, routeOf, type Target } from "../../decisions/proxy/target.ts"
import type { BackendRoute } from "./exchange.ts"
import type { Site } from "./guard.ts"
import type { ProxyContext } from "./proxy_context.ts"
import { isWebSocket, requestOrigin } from "./request_facts.ts"

export type Destination =
  | ({ kind: "backend" } & BackendRoute)
  /** The script for pages of this backend. */
  | { kind: "shim"; target: Target; prefix: string }
  /** To the backend's own name, with a ticket; `rest` is shown there. */
  | { kind: "hand over"; host: string; rest: string }
  | { kind: "redirect"; location: string }
  | { kind: "index"; status: 200 | 404 }
  | { kind: "refuse"; status: 400 | 403 | 404 | 501 | 508; what: string; cause: string }

type Refusal = Extract<Destination, { kind: "refuse" }>

export function destinationOf(proxy: ProxyContext, request: IncomingMessage, site: Site): Destination {
  const url = request.url ?? "/"
  const wrong = wrongFraming(request) ?? wrongAddress(proxy, request, url)
  if (wrong) return wrong
  return site.target === null ? byPath(proxy, request, site, url) : byName(proxy, request, site.target, url)
}

/** Under a backend's name all paths are the backend's, but for those of `/~microproxy/`. */
function byName(proxy: ProxyContext, request: IncomingMessage, target: Target, url: string): Destination {
  if (!proxy.allowed().permits(target.host, target.port)) return notAllowed(proxy, target)
  if (url === shimPath) return { kind: "shim", target, prefix: "" }
  if (!url.startsWith(`${crossingPath}/`)) return { kind: "backend", target, prefix: "", rest: url }
  const route = routeOf(url.slice(crossingPath.length))
  if (route.kind === "malformed") return refused(400, url, route.reason)
  if (route.kind === "unmatched") return refused(404, url, "HOST/PORT is wanted behind it")
  if (!proxy.allowed().permits(route.target.host, route.target.port)) return notAllowed(proxy, route.target)
  return handOver(proxy, request, route.target, route.rest)
}

function byPath(proxy: ProxyContext, request: IncomingMessage, site: Site, url: string): Destination {
  const route = routeOf(url)
  if (route.kind === "malformed") return refused(400, url, route.reason)
  if (route.kind === "unmatched") return fallback(proxy, request, site, url)
  const { host, port } = route.target
  if (!proxy.allowed().permits(host, port)) {
    // `/api/1/jobs` of a page's own backend reads like a host, too: no cluster's node has a name of one bare word.
    if (/^[a-z][\w-]*$/.test(host) && host !== "localhost" && refererRoute(proxy, request, site)) {
      return fallback(proxy, request, site, url)
    }
    return notAllowed(proxy, route.target)
  }
  if (route.kind === "slash") return { kind: "redirect", location: route.location }
  if (proxy.names.backends && isNavigation(requestOrigin(request))) {
    return handOver(proxy, request, route.target, route.rest)
  }
  const { target, prefix, rest } = route
  return rest === shimPath ? { kind: "shim", target, prefix } : { kind: "backend", target, prefix, rest }
}

/**
 * A page of a backend is shown under the backend's own name. Only navigations lead from one name to another, and no script
 * can make anything else look like one.
 */
function handOver(proxy: ProxyContext, request: IncomingMessage, target: Target, rest: string): Destination {
  const what = originOf(target)
  if (request.method !== "GET" || !isNavigation(requestOrigin(request))) {
    return refused(
      403,
      what,
      "another backend's page asks for it: between backends only links and frames pass",
    )
  }
  const host = proxy.names.backends?.hostOf(target) ?? null
  if (host === null)
    return refused(400, what, "its name is too long for a host name of its own: name it with --allow")
  return { kind: "hand over", host, rest }
}

/**
 * A path of no backend: of the page that it was linked from, else of the default site. WebSockets name no page but its origin, and
 * follow no redirect.
 */
function fallback(proxy: ProxyContext, request: IncomingMessage, site: Site, url: string): Destination {
  const from = refererRoute(proxy, request, site)
  if (from) return { kind: "redirect", location: from.prefix + url }
  const { defaultSite } = proxy
  if (isWebSocket(request)) {
    const target = proxy.lastShown.get(site.origin) ?? onlyBackend(proxy) ?? defaultSite?.target
    if (target) return { kind: "backend", target, prefix: prefixOf(target), rest: url }
  }
  if (defaultSite && !mayBePage(request)) {
    return refused(
      404,
      url,
      "nobody knows the page that asks for it: another backend's answer would not be meant",
    )
  }
  if (defaultSite) {
    const rest = url === "/" ? defaultSite.rest : url
    return { kind: "redirect", location: prefixOf(defaultSite.target) + rest }
  }
  return { kind: "index", status: /^\/(?:\?|$)/.test(url) ? 200 : 404 }
}

/** Whether a page may be wanted. Browsers say so, or ask for HTML; programs say nothing. */
function mayBePage(request: IncomingMessage): boolean {
  const { headers } = request
  const use = useOf(requestOrigin(request))
  if (use !== "unknown") return use === "page"
  return headers["accept-language"] === undefined || /text\/html|^$/.test(headers.accept ?? "")
}

/** The backend, where there is no other. */
function onlyBackend(proxy: ProxyContext): Target | null {
  const { entries, legacyHosts } = proxy.allowed()
  const [entry] = entries
  const [from, to] = entry?.ports[0] ?? []
  if (legacyHosts || entries.length !== 1 || !entry?.host || entry.ports.length !== 1) return null
  return from !== undefined && from === to ? { scheme: "http", host: entry.host, port: from } : null
}

function refererRoute(
  proxy: ProxyContext,
  request: IncomingMessage,
  { origin }: Site,
): Extract<Route, { kind: "backend" }> | null {
  const { referer } = request.headers
  if (!referer?.startsWith(`${origin}/`)) return null
  const route = routeOf(referer.slice(origin.length))
  if (route.kind !== "backend") return null
  return proxy.allowed().permits(route.target.host, route.target.port) ? route : null
}

function notAllowed(proxy: ProxyContext, target: Target): Refusal {
  proxy.missed()
  return refused(403, originOf(target), "it is not among the allowed backends (--allow, --cluster)")
}

function wrongAddress(proxy: ProxyContext, request: IncomingMessage, url: string): Refusal | null {
  // As `token=` it was taken out; anywhere else it would be sent to a backend.
  if (url.includes(proxy.secret)) return refused(400, "The address", "it holds the secret of this proxy")
  if (headerValue(request.rawHeaders, "via")?.includes(proxy.pseudonym)) {
    return refused(508, "A loop", "this request went through this proxy before")
  }
  if (!url.startsWith("/")) return refused(400, url, "the path does not begin with a slash")
  return url.includes("#") ? refused(400, url, "the path holds a fragment") : null
}

/** What two servers could take for different lengths is taken by none. */
function wrongFraming({ headers, httpVersion }: IncomingMessage): Refusal | null {
  const coding = headers["transfer-encoding"]
  if (coding === undefined) return null
  const cause =
    headers["content-length"] !== undefined
      ? "it has both Content-Length and Transfer-Encoding"
      : httpVersion === "1.0"
        ? "it has Transfer-Encoding in HTTP/1.0"
        : null
  if (cause) return refused(400, "The request's length is ambiguous", cause)
  if (coding.trim().toLowerCase() === "chunked") return null
  return refused(501, "Transfer-Encoding", "only chunked is understood")
}

function refused(status: Refusal["status"], what: string, cause: string): Refusal {
  return { kind: "refuse", status, what: what.slice(0, 200), cause }
}
