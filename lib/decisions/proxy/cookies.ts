/** Cookies of backends, which all live under one origin of ours: each kept to its path, ours kept from all. */
import type { Base } from "./base.ts"

/** Prefixes that bind a cookie to https or to the path /, neither of which is so behind us: spelled otherwise on the way. */
const cookiePrefixes = [
  ["__Host-", "~Host-"],
  ["__Secure-", "~Secure-"],
  ["__Http-", "~Http-"],
] as const

/** A Cookie header as the backend gets it, without ours; null where nothing is left. */
export function backendCookies(value: string, own: string): string | null {
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

/** A backend's cookie, from Set-Cookie, kept to its backend's path; null where it would be read as our own. */
export function browserCookie(value: string, own: string, base: Base): string | null {
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
