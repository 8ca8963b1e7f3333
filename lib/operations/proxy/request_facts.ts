/** What the guards read of a request. */
import type { IncomingMessage } from "node:http"
import type { RequestOrigin } from "../../decisions/proxy/crossing.ts"

/** What the browser says of where the request comes from. */
export function requestOrigin({ headers, method }: IncomingMessage): RequestOrigin {
  const one = (name: string) => {
    const value = headers[name]
    return Array.isArray(value) ? value.join(",") : value
  }
  return {
    method: method ?? "",
    upgrade: headers.upgrade !== undefined,
    origin: headers.origin,
    fetchSite: one("sec-fetch-site"),
    fetchMode: one("sec-fetch-mode"),
    fetchDest: one("sec-fetch-dest"),
  }
}

/** The one Host header in lower case; null where there is none, or more than one. */
export function hostOf({ rawHeaders }: IncomingMessage): string | null {
  let host: string | null = null
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length !== 4 || rawHeaders[i]?.toLowerCase() !== "host") continue
    if (host !== null) return null
    host = (rawHeaders[i + 1] as string).toLowerCase()
  }
  return host
}

/** The values of all cookies of this name. */
export function cookiesNamed({ headers }: IncomingMessage, name: string): string[] {
  const { cookie } = headers
  if (cookie === undefined) return []
  return cookie
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one.startsWith(name) && one[name.length] === "=")
    .map((one) => one.slice(name.length + 1))
}

/** Nothing else is passed on: `Upgrade: h2c` would open a way around every check of ours. */
export function isWebSocket({ headers, method }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket"
}
