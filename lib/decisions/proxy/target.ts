/** A backend, and the paths under which the proxy shows it: `/HOST/PORT/REST`, `/~https/HOST/PORT/REST`. */
import { canonicalHost, hostInUrl } from "./host.ts"

export type Scheme = "http" | "https"

export interface Target {
  scheme: Scheme
  /** Canonical: see host.ts. */
  host: string
  port: number
}

export type Route =
  /** `prefix` is the first part as it was asked for, `rest` what goes to the backend, byte for byte, from its slash on. */
  | { kind: "backend"; target: Target; prefix: string; rest: string }
  /** `/HOST/PORT` without its slash. */
  | { kind: "slash"; target: Target; location: string; rest: string }
  /** It means a backend but is malformed. */
  | { kind: "malformed"; reason: string }
  | { kind: "unmatched" }

const defaultPort: Record<Scheme, number> = { http: 80, https: 443 }

/** `/HOST/PORT`, the canonical spelling of a backend's prefix. */
export function prefixOf({ scheme, host, port }: Target): string {
  return `${scheme === "https" ? "/~https" : ""}/${hostInUrl(host)}/${port}`
}

/** `http://HOST:PORT`, without a port where it is the scheme's own: a backend's origin, as browsers write it. */
export function originOf(target: Target): string {
  return `${target.scheme}://${authorityOf(target)}`
}

/** What stands in a Host header. */
export function authorityOf({ scheme, host, port }: Target): string {
  return port === defaultPort[scheme] ? hostInUrl(host) : `${hostInUrl(host)}:${port}`
}

/** Reads a request's path and query, neither decoded nor normalised: `/h/1/%2e%2e/b` is `/%2e%2e/b` of h, not `/h/b`. */
export function routeOf(pathAndQuery: string): Route {
  if (!pathAndQuery.startsWith("/"))
    return { kind: "malformed", reason: "the path does not begin with a slash" }
  const query = pathAndQuery.search(/[?#]/)
  const path = query < 0 ? pathAndQuery : pathAndQuery.slice(0, query)
  const scheme: Scheme = path.startsWith("/~https/") ? "https" : "http"
  const start = scheme === "https" ? "/~https/".length : 1
  const hostEnd = path.indexOf("/", start)
  if (isDotSegment(path.slice(start, hostEnd < 0 ? undefined : hostEnd))) {
    return { kind: "malformed", reason: "HOST is a dot segment" }
  }
  if (hostEnd < 0) return { kind: "unmatched" }
  const slash = path.indexOf("/", hostEnd + 1)
  const portEnd = slash < 0 ? path.length : slash
  const hostText = path.slice(start, hostEnd)
  const portText = path.slice(hostEnd + 1, portEnd)
  if (isDotSegment(portText)) return { kind: "malformed", reason: "PORT is a dot segment" }
  if (/^\d*%[01]/.test(portText)) return { kind: "malformed", reason: "PORT holds a control character" }
  if (!/^\d+$/.test(portText) || hostText === "") return { kind: "unmatched" }
  const host = canonicalHost(hostText.replace(/^%5b(.*)%5d$/i, "[$1]"))
  if (host === null) return { kind: "malformed", reason: "HOST is no host name or address" }
  const port = portOf(portText)
  if (port === null) return { kind: "malformed", reason: "PORT is not between 1 and 65535" }
  const target = { scheme, host, port }
  const prefix = path.slice(0, portEnd)
  if (slash < 0) {
    const rest = `/${pathAndQuery.slice(portEnd)}`
    return { kind: "slash", target, location: prefix + rest, rest }
  }
  return { kind: "backend", target, prefix, rest: pathAndQuery.slice(portEnd) }
}

/** Decimal, without sign or leading zero. */
export function portOf(text: string): number | null {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null
}

/** The target of an absolute http or https URL; null where it has userinfo or is none. */
export function targetOfUrl(text: string): { target: Target; rest: string } | null {
  const parts = /^(https?):\/\/([^/?#\\]*)(.*)$/i.exec(text)
  const [, scheme = "", authority = "", rest = ""] = parts ?? []
  const target = parts && targetOfAuthority(scheme.toLowerCase() as Scheme, authority)
  return target && { target, rest: rest.startsWith("/") ? rest : `/${rest}` }
}

/** `HOST`, `HOST:PORT`, `[IPV6]:PORT` as a target; null for userinfo and for what is malformed. */
export function targetOfAuthority(scheme: Scheme, authority: string): Target | null {
  const parts = /^(\[[^\]]*\]|[^:@]*)(?::(\d*))?$/.exec(authority)
  const host = parts?.[1] && canonicalHost(parts[1])
  if (!parts || !host) return null
  // URLs may write `:0080` and `:`; both are read as browsers do.
  const portText = (parts[2] ?? "").replace(/^0+(?=\d)/, "")
  const port = portText === "" ? defaultPort[scheme] : portOf(portText)
  return port === null ? null : { scheme, host, port }
}

function isDotSegment(segment: string): boolean {
  return /^(?:\.|%2e){1,2}$/i.test(segment)
}
