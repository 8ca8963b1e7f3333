/** What the links of a document are relative to, and what `<base href>` makes of it. */
import type { LinkMap } from "./link_map.ts"
import type { Scheme, Target } from "./target.ts"

/** What a link is relative to. */
export interface Base {
  scheme: Scheme
  /** The prefix under which the browser sees this backend; null where a <base> points outside the proxy. */
  prefix: string | null
  /** What must stand before our paths: nothing, but our origin where a <base> points outside the proxy. */
  origin: string
  /** The backend's own path of the document. */
  path: string
}

/** The base of what a document at this path of a backend links to. */
export function baseOf(target: Target, prefix: string, path: string): Base {
  return { scheme: target.scheme, prefix, origin: "", path: path.replace(/[?#].*$/s, "") }
}

/** The base after `<base href>`, and that of a page of `ownOrigin`. */
export function baseAfter(url: string, base: Base, links: LinkMap, ownOrigin: string): Base {
  let resolved: URL
  try {
    resolved = new URL(url, `${base.scheme}://base.invalid${base.path}`)
  } catch {
    return base
  }
  const scheme = resolved.protocol.slice(0, -1)
  if (resolved.host === "base.invalid") return { ...base, path: resolved.pathname }
  // These are no base to browsers.
  if (scheme === "javascript" || scheme === "data") return base
  if (scheme !== "http" && scheme !== "https") return { ...base, prefix: null, origin: ownOrigin }
  const found = links.prefixFor(scheme, resolved.host)
  const prefix = found === "" ? base.prefix : found
  return { scheme, prefix, origin: prefix === null ? ownOrigin : "", path: resolved.pathname }
}
