/** Headers on their way through: which stop here, and which name places and must name them as the other side knows them. */

import type { Base } from "./base.ts"
import { applyEdits } from "./edits.ts"
import type { LinkMap } from "./link_map.ts"
import { policyWithScripts, rewrittenPolicy } from "./policy.ts"
import { type Edit, editOfReference, rewrittenReference } from "./reference.ts"
import { originOf, routeOf, type Target } from "./target.ts"
import { editsInRefresh } from "./values.ts"

/** Name, value, name, value … as they came, so that repeated headers and their order survive. */
export type RawHeaders = readonly string[]

/** RFC 9110 7.6.1, with what older software treats alike. */
const hopByHop = new Set(
  "connection keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info te trailer transfer-encoding upgrade".split(
    " ",
  ),
)

/** What we say ourselves, so that no client can say it for us. */
const ours = new Set("host forwarded via content-length expect x-real-ip".split(" "))

/** Promises about the whole of our origin, which belongs to all backends together. */
const droppedFromResponses = new Set(
  "strict-transport-security alt-svc public-key-pins public-key-pins-report-only expect-ct clear-site-data nel report-to reporting-endpoints origin-agent-cluster via".split(
    " ",
  ),
)

/** Of the bytes before they were rewritten. */
const droppedWhenRewritten = new Set(
  "content-length content-encoding content-md5 digest content-digest repr-digest accept-ranges".split(" "),
)

/** Prefixes that bind a cookie to https or to the path /, neither of which is so behind us: spelled otherwise on the way. */
const cookiePrefixes = [
  ["__Host-", "~Host-"],
  ["__Secure-", "~Secure-"],
] as const

export function headerValue(headers: RawHeaders, name: string): string | null {
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() === name) return headers[i + 1] as string
  }
  return null
}

export interface RequestFacts {
  target: Target
  prefix: string
  /** Our origin and the name of our cookie. */
  ownOrigin: string
  ownHost: string
  cookie: string
  client: string
  /** Our name in Via. */
  pseudonym: string
  httpVersion: string
}

/** A client's headers as the backend gets them; framing and Host are for the caller to add. */
export function requestHeaders(headers: RawHeaders, facts: RequestFacts): string[] {
  const nominated = connectionOptions(headers)
  const out: string[] = []
  let via = ""
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    const key = name.toLowerCase()
    if (key === "via") via = via === "" ? value : `${via}, ${value}`
    if (hopByHop.has(key) || ours.has(key) || key.startsWith("x-forwarded-")) continue
    if (nominated.has(key) && key !== "cookie" && key !== "origin") continue
    const mapped = requestHeader(key, value, facts)
    if (mapped !== null) out.push(name, mapped)
  }
  out.push("Via", `${via === "" ? "" : `${via}, `}${facts.httpVersion} ${facts.pseudonym}`)
  out.push("X-Forwarded-For", facts.client, "X-Forwarded-Host", facts.ownHost, "X-Forwarded-Proto", "http")
  // Spark reads -Context, others -Prefix: pages that build URLs in scripts then build ours.
  out.push("X-Forwarded-Prefix", facts.prefix, "X-Forwarded-Context", facts.prefix)
  return out
}

export interface ResponseFacts {
  base: Base
  links: LinkMap
  ownOrigin: string
  cookie: string
  /** Whether the body will be rewritten, as its bytes, length and coding then change. */
  rewritten: boolean
  /** A source to let scripts run from, where --shim puts one in. */
  shimSource: string | null
  pseudonym: string
}

/** A backend's headers as the client gets them. */
export function responseHeaders(headers: RawHeaders, facts: ResponseFacts): string[] {
  const nominated = connectionOptions(headers)
  const out: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const key = name.toLowerCase()
    if (hopByHop.has(key) || droppedFromResponses.has(key)) continue
    if (nominated.has(key) && key !== "content-length") continue
    if (facts.rewritten && droppedWhenRewritten.has(key)) continue
    if (key === "referrer-policy") continue
    const mapped = responseHeader(key, headers[i + 1] as string, facts)
    if (mapped !== null) out.push(name, mapped)
  }
  // Unmatched paths need the Referer, and nobody outside must learn our host's name from it.
  out.push("Referrer-Policy", "same-origin", "Via", `1.1 ${facts.pseudonym}`)
  return out
}

function requestHeader(key: string, value: string, facts: RequestFacts): string | null {
  switch (key) {
    case "cookie":
      return backendCookies(value, facts.cookie)
    case "origin":
      return value === facts.ownOrigin ? originOf(facts.target) : value
    case "referer":
      return backendReferer(value, facts.ownOrigin)
    case "accept-encoding":
      return supportedCodings(value)
    default:
      return value
  }
}

function responseHeader(key: string, value: string, facts: ResponseFacts): string | null {
  const { base, links } = facts
  switch (key) {
    case "location":
    case "content-location":
    case "sourcemap":
    case "x-sourcemap":
    case "service-worker-allowed":
      return rewrittenReference(value, base, links)
    case "refresh": {
      const edits: Edit[] = []
      editsInRefresh(value, (url) => editOfReference(url, base, links), edits)
      return applyEdits(value, edits, 0, value.length)
    }
    case "link":
      return value.replace(/<([^>]*)>/g, (_, url: string) => `<${rewrittenReference(url, base, links)}>`)
    case "set-cookie":
      return browserCookie(value, facts)
    case "access-control-allow-origin": {
      const rewritten = rewrittenReference(value, base, links)
      return rewritten === value ? value : facts.ownOrigin
    }
    case "content-security-policy":
    case "content-security-policy-report-only": {
      const policy = rewrittenPolicy(value, base, links, facts.ownOrigin)
      return facts.shimSource === null ? policy : policyWithScripts(policy, facts.shimSource)
    }
    case "etag":
      return facts.rewritten && !value.startsWith("W/") ? `W/${value}` : value
    default:
      return value
  }
}

function connectionOptions(headers: RawHeaders): Set<string> {
  const options = new Set<string>()
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() !== "connection") continue
    for (const option of (headers[i + 1] as string).split(",")) options.add(option.trim().toLowerCase())
  }
  return options
}

/** Without ours; null where nothing is left. */
function backendCookies(value: string, own: string): string | null {
  const kept = value
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== "" && cookie.split("=", 1)[0]?.trim() !== own)
    .map((cookie) => {
      const prefix = cookiePrefixes.find(([, sent]) => cookie.startsWith(sent))
      return prefix ? prefix[0] + cookie.slice(prefix[1].length) : cookie
    })
  return kept.length > 0 ? kept.join("; ") : null
}

/** A page of ours as its backend knows it; our index and other people's pages are nobody's business. */
function backendReferer(value: string, ownOrigin: string): string | null {
  if (!value.startsWith(`${ownOrigin}/`)) return value
  const route = routeOf(value.slice(ownOrigin.length))
  return route.kind === "backend" ? originOf(route.target) + route.rest : null
}

/** Only codings that we can read, since the page has to be. */
function supportedCodings(value: string): string | null {
  const kept = value
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => /^(?:gzip|x-gzip|deflate|br|zstd|identity|\*)\s*(?:;|$)/i.test(coding))
    .map((coding) => coding.replace(/^\*/, "identity"))
  return kept.length > 0 ? kept.join(", ") : "identity"
}

/** A backend's cookie, kept to its backend's path; null where it would be read as our own. */
function browserCookie(value: string, { base, cookie: own }: ResponseFacts): string | null {
  const [pair = "", ...attributes] = value.split(";")
  const equals = pair.indexOf("=")
  const name = pair.slice(0, Math.max(0, equals)).trim()
  // A nameless `=microproxy=x` comes back as `microproxy=x`.
  if (name === own || (name === "" && pair.slice(equals + 1).includes("="))) return null
  const prefix = cookiePrefixes.find(([theirs]) => name.toLowerCase().startsWith(theirs.toLowerCase()))
  const kept = attributes.flatMap((attribute) => {
    const [, key = "", content = ""] = /^\s*([^=]*?)\s*(?:=\s*(.*?)\s*)?$/s.exec(attribute) ?? []
    switch (key.toLowerCase()) {
      case "domain":
      case "secure":
      case "partitioned":
        return []
      case "samesite":
        // None needs Secure, which http cannot give.
        return content.toLowerCase() === "none" ? [" SameSite=Lax"] : [attribute]
      case "path":
        return content.startsWith("/") ? [` Path=${cookiePath(content, base.prefix ?? "")}`] : []
      default:
        return [attribute]
    }
  })
  const renamed = prefix ? prefix[1] + pair.trimStart().slice(prefix[0].length) : pair
  return [renamed, ...kept].join(";")
}

function cookiePath(path: string, prefix: string): string {
  return path === prefix || path.startsWith(`${prefix}/`) ? path : prefix + path
}
