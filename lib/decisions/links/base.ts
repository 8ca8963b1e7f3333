/** What the links of a document are relative to, and what `<base href>` makes of it. */
import type { LinkMap } from "./link_map.ts"
import type { Scheme, Target } from "./target.ts"

/** What a link is relative to. */
export interface Base {
  scheme: Scheme
  /** The prefix under which the browser sees this backend; null where a <base> points outside the proxy. */
  prefix: string | null
  /** The backend's own path of the document. */
  path: string
}

/** The base of what a document at this path of a backend links to. */
export function baseOf(target: Target, prefix: string, path: string): Base {
  return { scheme: target.scheme, prefix, path: path.replace(/[?#].*$/s, "") }
}

/** The base after `<base href>`; null prefix where it leads outside. */
export function baseAfter(url: string, base: Base, links: LinkMap): Base {
  let resolved: URL
  try {
    resolved = new URL(url, `${base.scheme}://base.invalid${base.path}`)
  } catch {
    return base
  }
  const scheme = resolved.protocol.slice(0, -1)
  if (resolved.host === "base.invalid") return { ...base, path: resolved.pathname }
  if (scheme !== "http" && scheme !== "https") return { ...base, prefix: null }
  const prefix = links.prefixFor(scheme, resolved.host)
  return { scheme, prefix: prefix === "" ? base.prefix : prefix, path: resolved.pathname }
}
