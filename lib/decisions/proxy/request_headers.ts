/** A client's headers on their way in: places are named as the backend knows them, and what only we may say is ours. */
import { backendCookies } from "./cookies.ts"
import { connectionOptions, hopByHop, type RawHeaders } from "./raw_headers.ts"
import { originOf, routeOf, type Target } from "./target.ts"

/** What we say ourselves, so that no client can say it for us. */
const ours = new Set("host forwarded via content-length expect x-real-ip".split(" "))

export interface RequestFacts {
  target: Target
  prefix: string
  /** Our origin, and the names of our cookies. */
  ownOrigin: string
  ownHost: string
  cookies: readonly string[]
  /** One opened the proxy from an address, which a browser may name as where it came from. */
  secrets: readonly string[]
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
    if (mapped !== null && !facts.secrets.some((secret) => mapped.includes(secret))) out.push(name, mapped)
  }
  out.push("Via", `${via === "" ? "" : `${via}, `}${facts.httpVersion} ${facts.pseudonym}`)
  out.push("X-Forwarded-For", facts.client, "X-Forwarded-Host", facts.ownHost, "X-Forwarded-Proto", "http")
  // Spark reads -Context, others -Prefix: pages that build URLs in scripts then build ours.
  if (facts.prefix !== "") out.push("X-Forwarded-Prefix", facts.prefix, "X-Forwarded-Context", facts.prefix)
  return out
}

function requestHeader(key: string, value: string, facts: RequestFacts): string | null {
  switch (key) {
    case "cookie":
      return backendCookies(value, facts.cookies, facts.prefix !== "")
    case "origin":
      return value === facts.ownOrigin ? originOf(facts.target) : value
    case "referer":
      return backendReferer(value, facts)
    case "accept-encoding":
      return supportedCodings(value)
    default:
      return value
  }
}

/** A page of ours as its backend knows it; our index and other people's pages are nobody's business. */
function backendReferer(value: string, { ownOrigin, prefix, target }: RequestFacts): string | null {
  if (!value.startsWith(`${ownOrigin}/`)) return value
  const path = value.slice(ownOrigin.length)
  if (prefix === "") return path.startsWith("/~microproxy/") ? null : originOf(target) + path
  const route = routeOf(path)
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
