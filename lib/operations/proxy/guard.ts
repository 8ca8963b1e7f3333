/**
 * Who may use the proxy: on a shared host every local user reaches its port, and every page in the world can make the
 * student's browser send requests to it.
 */
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"
import { crossingOf, isNavigation } from "../../decisions/proxy/crossing.ts"
import { enterPath } from "../../decisions/proxy/reserved_paths.ts"
import { prefixOf, type Target } from "../../decisions/proxy/target.ts"
import { backendCookieName, type HandOver } from "./hand_over.ts"
import type { OwnNames } from "./own_names.ts"
import { cookiesNamed, hostOf, requestOrigin } from "./request_facts.ts"
import { isSameSecret, withoutToken } from "./secrets.ts"

/** The name of our cookie under our own name; backends may neither see nor set it. */
export const cookieName = "microproxy"

/** Our cookies under any name. */
export const ourCookies: readonly string[] = [cookieName, backendCookieName]

/** Under which of our names a request came: the proxy's own, or a backend's. */
export interface Site {
  /** `http://HOST`, as the browser knows it. */
  origin: string
  /** The value of Host in lower case. */
  host: string
  /** Null for the proxy's own name, which shows backends by path. */
  target: Target | null
  /** In a frame on another backend's page. */
  inFrame: boolean
}

export type Verdict =
  | { kind: "pass"; site: Site }
  /** On the way in: to be answered with a redirect and, where one is earned, a cookie. */
  | { kind: "redirect"; location: string; setCookie: string | null }
  /** `mayFollow`: the reader may go on from our own page, where a link from elsewhere brought no cookie along. */
  | { kind: "refuse"; status: 400 | 401 | 403 | 421; reason: string; mayFollow?: boolean }

export type Guard = (request: IncomingMessage) => Verdict

const safeMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE"])

export function guardOf(names: OwnNames, token: string, handOver: HandOver): Guard {
  return (request) => {
    const host = hostOf(request)
    if (host === null) return { kind: "refuse", status: 400, reason: "one Host header is wanted" }
    const target = names.backends?.targetOf(host) ?? null
    if (target === "malformed") {
      return {
        kind: "refuse",
        status: 400,
        reason: "this Host names no backend: HOST--PORT is wanted in front",
      }
    }
    return target === null
      ? guardOwnName(request, host, names, token)
      : guardBackend(request, { origin: `http://${host}`, host, target, inFrame: false }, names, handOver)
  }
}

function guardOwnName(request: IncomingMessage, host: string, names: OwnNames, token: string): Verdict {
  const isEntrance = names.entrances.has(host)
  const isOurs = host === names.host || (names.anyAddress && isAddressWithPort(host, names.host))
  // DNS rebinding: a name that was pointed at our address is still not our name.
  if (!isOurs && !isEntrance) return { kind: "refuse", status: 421, reason: "this Host is not served here" }
  const url = request.url ?? "/"
  const without = withoutToken(url, token)
  if (without !== null) {
    const location = isEntrance ? names.origin + url : without
    return { kind: "redirect", location, setCookie: isEntrance ? null : cookieFor(token) }
  }
  if (isEntrance)
    return { kind: "refuse", status: 421, reason: "open the address that was printed at the start" }
  const given = cookiesNamed(request, cookieName)
  if (given.length > 1) return twoCookies
  const origin = requestOrigin(request)
  if (!isSameSecret(given[0] ?? "", token)) {
    const { method, fetchSite, fetchDest } = origin
    return {
      kind: "refuse",
      status: 401,
      reason: "the secret is missing or wrong: open the address that was printed at the start",
      // Strict cookies do not come along on links from elsewhere, backends' pages among them.
      mayFollow:
        method === "GET" && fetchDest === "document" && /^(?:cross|same)-site$/.test(fetchSite ?? ""),
    }
  }
  if ((origin.upgrade || !safeMethods.has(origin.method)) && !isSameOrigin(request, `http://${host}`)) {
    return { kind: "refuse", status: 403, reason: "the request comes from a page of another origin" }
  }
  return { kind: "pass", site: { origin: `http://${host}`, host, target: null, inFrame: false } }
}

function guardBackend(
  request: IncomingMessage,
  site: Site & { target: Target },
  names: OwnNames,
  handOver: HandOver,
): Verdict {
  const origin = requestOrigin(request)
  if (crossingOf(origin, site.origin) === "refused") {
    const reason = "another backend's page asks for it: between backends only links and frames pass"
    return { kind: "refuse", status: 403, reason }
  }
  const url = request.url ?? "/"
  if (url.startsWith(`${enterPath}?`))
    return enter(url.slice(enterPath.length + 1), site, origin.fetchDest, handOver)
  const given = cookiesNamed(request, backendCookieName)
  if (given.length > 1) return twoCookies
  const [secret = ""] = given
  if (isSameSecret(secret, handOver.secretOf(site.host, "window"))) return { kind: "pass", site }
  if (isSameSecret(secret, handOver.secretOf(site.host, "frame"))) {
    return { kind: "pass", site: { ...site, inFrame: true } }
  }
  if (origin.method === "GET" && isNavigation(origin) && handOver.maySendFor(site.host)) {
    return { kind: "redirect", location: names.origin + prefixOf(site.target) + url, setCookie: null }
  }
  const reason = "this name's secret is missing or wrong: open the backend from the proxy's own page"
  return { kind: "refuse", status: 401, reason }
}

/** A browser comes with a ticket. */
function enter(
  ticket: string,
  { host, origin }: Site,
  fetchDest: string | undefined,
  handOver: HandOver,
): Verdict {
  const rest = handOver.redeem(ticket, host)
  if (rest === null) {
    return {
      kind: "refuse",
      status: 403,
      reason: "this way in was used before, or is too old: open the link again",
    }
  }
  // In a frame on another backend's page only a cookie of that very page comes along.
  const inFrame = fetchDest === "iframe" || fetchDest === "frame"
  const scope = inFrame ? "SameSite=None; Partitioned" : "SameSite=Lax"
  const cookie = `${backendCookieName}=${handOver.secretOf(host, inFrame ? "frame" : "window")}; Path=/; Secure; HttpOnly; ${scope}`
  // `//host` would leave the name when a browser follows it.
  const location = /^\/[/\\]/.test(rest) ? origin + rest : rest
  return { kind: "redirect", location, setCookie: cookie }
}

/** Somebody else set one of them. */
const twoCookies: Verdict = {
  kind: "refuse",
  status: 400,
  reason: "two cookies of this proxy came in one request",
}

function cookieFor(token: string): string {
  return `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Strict`
}

/** Browsers name the origin of everything unsafe; programs that hold the cookie need not. */
function isSameOrigin(request: IncomingMessage, own: string): boolean {
  const { origin, fetchSite } = requestOrigin(request)
  if (origin === undefined)
    return fetchSite === undefined || fetchSite === "same-origin" || fetchSite === "none"
  // A page that hides its referrer posts `Origin: null` even to itself; scripts cannot set Sec-Fetch-Site.
  return origin === own || (origin === "null" && fetchSite === "same-origin")
}

function isAddressWithPort(host: string, own: string): boolean {
  const port = own.slice(own.lastIndexOf(":"))
  return host.endsWith(port) && isIP(host.slice(0, -port.length).replace(/^\[(.*)\]$/, "$1")) !== 0
}
