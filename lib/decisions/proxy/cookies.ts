/** Cookies of backends: each kept to its backend, ours kept from all. By path, backends share one origin of ours. */
import type { Base } from "./base.ts"

/** Prefixes that bind a cookie to https or to the path /, neither of which is so behind us: spelled otherwise on the way. */
const cookiePrefixes = [
  ["__Host-", "~Host-"],
  ["__Secure-", "~Secure-"],
  ["__Http-", "~Http-"],
] as const

/**
 * A Cookie header as the backend gets it, without ours; null where nothing is left. `renamed` says that the backend is shown by
 * path, where `browserCookie` spells prefixes otherwise.
 */
export function backendCookies(value: string, ours: readonly string[], renamed: boolean): string | null {
  const kept = value
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== "" && !ours.includes(cookie.split("=", 1)[0]?.trim() ?? ""))
    .map((cookie) => {
      const prefix = renamed && cookiePrefixes.find(([, sent]) => cookie.startsWith(sent))
      return prefix ? prefix[0] + cookie.slice(prefix[1].length) : cookie
    })
  return kept.length > 0 ? kept.join("; ") : null
}

/**
 * A backend's cookie, from Set-Cookie, kept to its backend; null where it would be read as one of ours. A backend with a name of
 * its own loses Domain only, which could reach other names; `inFrame`, on a page of another backend, browsers keep only cookies
 * of that very page.
 */
export function browserCookie(
  value: string,
  ours: readonly string[],
  base: Base,
  inFrame = false,
): string | null {
  const [pair = "", ...attributes] = value.split(";")
  const equals = pair.indexOf("=")
  const name = pair.slice(0, Math.max(0, equals)).trim()
  // A nameless `=microproxy=x` comes back as `microproxy=x`.
  if (ours.includes(name) || (name === "" && pair.slice(equals + 1).includes("="))) return null
  if (base.prefix === "") {
    const dropped = inFrame
      ? /^\s*(?:domain|samesite|secure|partitioned)\s*(?:=|$)/i
      : /^\s*domain\s*(?:=|$)/i
    const kept = attributes.filter((attribute) => !dropped.test(attribute))
    return [pair, ...kept, ...(inFrame ? [" SameSite=None", " Secure", " Partitioned"] : [])].join(";")
  }
  const prefix = cookiePrefixes.find(([theirs]) => name.toLowerCase().startsWith(theirs.toLowerCase()))
  const kept = attributes.flatMap((attribute) => keptByPath(attribute, base.prefix ?? ""))
  const renamed = prefix ? prefix[1] + pair.trimStart().slice(prefix[0].length) : pair
  return [renamed, ...kept].join(";")
}

/** An attribute of a cookie that shares our origin with all other backends. */
function keptByPath(attribute: string, prefix: string): string[] {
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
      return content.startsWith("/") ? [` Path=${cookiePath(content, prefix)}`] : []
    default:
      return [attribute]
  }
}

function cookiePath(path: string, prefix: string): string {
  return path === prefix || path.startsWith(`${prefix}/`) ? path : prefix + path
}
