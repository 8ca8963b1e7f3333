/** Comparing secrets, and taking them out of addresses. */
import { timingSafeEqual } from "node:crypto"

/** No secret is longer (options.ts). */
const comparedBytes = 256
const [first, second] = [Buffer.alloc(comparedBytes), Buffer.alloc(comparedBytes)]

/** Compares copies of one size, so that neither the time nor the length tells how much of a guess was right. */
export function isSameSecret(given: string, wanted: string): boolean {
  first.fill(0)
  second.fill(0)
  first.write(given, "latin1")
  second.write(wanted, "latin1")
  return timingSafeEqual(first, second) && given.length === wanted.length
}

/** The path and query without every `token=SECRET`; null where there is none. */
export function withoutToken(url: string, token: string): string | null {
  const query = url.indexOf("?")
  if (query < 0 || !url.includes("token=", query)) return null
  const parameters = url.slice(query + 1).split("&")
  const kept = parameters.filter(
    (parameter) => !parameter.startsWith("token=") || !isSameSecret(parameter.slice("token=".length), token),
  )
  if (kept.length === parameters.length) return null
  // `//host` would leave us when a browser follows it.
  const path = url.slice(0, query).replace(/^[/\\]+/, "/")
  return path + (kept.length > 0 ? `?${kept.join("&")}` : "")
}
