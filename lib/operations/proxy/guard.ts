/**
 * Who may use the proxy: on a shared host every local user reaches its port, and every page in the world can make the
 * student's browser send requests to it.
 */
import { timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"

/** The name of our cookie; backends may neither see nor set it. */
export const cookieName = "microproxy"

export interface OwnNames {
  /** `http://NAME.localhost:PORT`, what links are printed with. */
  origin: string
  /** `NAME.localhost:PORT`. */
  host: string
  /** All values of Host under which pages are shown. */
  hosts: ReadonlySet<string>
  /** Whether any address written in full is ours too: the proxy listens to the network. */
  anyAddress: boolean
  /** Hosts under which only the way to `origin` is shown: cookies of plain localhost go to every server on this host. */
  entrances: ReadonlySet<string>
}

export type Verdict =
  | { kind: "pass" }
  /** The token was right: hand out the cookie and go to `location`. */
  | { kind: "welcome"; location: string; setCookie: string | null }
  | { kind: "refuse"; status: 400 | 401 | 403 | 421; reason: string }

export type Guard = (request: IncomingMessage) => Verdict

/** No secret is longer (options.ts). */
const comparedBytes = 256

const safeMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE"])

export function guardOf(names: OwnNames, token: string): Guard {
  const isToken = constantTimeComparer(token)
  return (request) => {
    const url = request.url ?? "/"
    const host = hostOf(request)
    if (host === null) return { kind: "refuse", status: 400, reason: "one Host header is wanted" }
    const isEntrance = names.entrances.has(host)
    const isOurs = names.hosts.has(host) || (names.anyAddress && isAddressWithPort(host, names.host))
    // DNS rebinding: a name that was pointed at our address is still not our name.
    if (!isOurs && !isEntrance) return { kind: "refuse", status: 421, reason: "this Host is not served here" }
    const without = withoutToken(url, isToken)
    if (without !== null) {
      const location = isEntrance ? names.origin + url : without
      return { kind: "welcome", location, setCookie: isEntrance ? null : cookieFor(token) }
    }
    if (isEntrance)
      return { kind: "refuse", status: 421, reason: "open the address that was printed at the start" }
    if (!cookiesNamed(request, cookieName).some(isToken)) {
      return {
        kind: "refuse",
        status: 401,
        reason: "the secret is missing or wrong: open the address that was printed at the start",
      }
    }
    const upgrade = request.headers.upgrade !== undefined
    if ((upgrade || !safeMethods.has(request.method ?? "")) && !isSameOrigin(request, `http://${host}`)) {
      return { kind: "refuse", status: 403, reason: "the request comes from a page of another origin" }
    }
    return { kind: "pass" }
  }
}

/** The origin under which this request came; its Host was found to be ours. */
export function originFor({ headers }: IncomingMessage): string {
  return `http://${headers.host?.toLowerCase()}`
}

function cookieFor(token: string): string {
  return `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Strict`
}

/** Compares copies of one size, so that neither the time nor the length tells how much of a guess was right. */
function constantTimeComparer(token: string): (given: string) => boolean {
  const wanted = Buffer.alloc(comparedBytes)
  const copy = Buffer.alloc(comparedBytes)
  wanted.write(token, "latin1")
  return (given) => {
    copy.fill(0)
    copy.write(given, "latin1")
    return timingSafeEqual(copy, wanted) && given.length === token.length
  }
}

function hostOf(request: IncomingMessage): string | null {
  let host: string | null = null
  const { rawHeaders } = request
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length !== 4 || rawHeaders[i]?.toLowerCase() !== "host") continue
    if (host !== null) return null
    host = (rawHeaders[i + 1] as string).toLowerCase()
  }
  return host
}

/** The path without every `token=SECRET` of its query; null where there is none. */
function withoutToken(url: string, isToken: (given: string) => boolean): string | null {
  const query = url.indexOf("?")
  if (query < 0 || !url.includes("token=", query)) return null
  const parameters = url.slice(query + 1).split("&")
  const kept = parameters.filter(
    (parameter) => !parameter.startsWith("token=") || !isToken(parameter.slice("token=".length)),
  )
  if (kept.length === parameters.length) return null
  // `//host` would leave us when a browser follows it.
  const path = url.slice(0, query).replace(/^[/\\]+/, "/")
  return path + (kept.length > 0 ? `?${kept.join("&")}` : "")
}

function cookiesNamed({ headers }: IncomingMessage, name: string): string[] {
  const { cookie } = headers
  if (cookie === undefined) return []
  return cookie
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one.startsWith(name) && one[name.length] === "=")
    .map((one) => one.slice(name.length + 1))
}

/** Browsers name the origin of everything unsafe; programs that hold the cookie need not. */
function isSameOrigin({ headers }: IncomingMessage, own: string): boolean {
  const { origin } = headers
  const site = headers["sec-fetch-site"]
  if (origin === undefined) return site === undefined || site === "same-origin" || site === "none"
  // A page that hides its referrer posts `Origin: null` even to itself; scripts cannot set Sec-Fetch-Site.
  return origin === own || (origin === "null" && site === "same-origin")
}

function isAddressWithPort(host: string, own: string): boolean {
  const port = own.slice(own.lastIndexOf(":"))
  return host.endsWith(port) && isIP(host.slice(0, -port.length).replace(/^\[(.*)\]$/, "$1")) !== 0
}
