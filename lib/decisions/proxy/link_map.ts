/** Which authorities of absolute URLs are backends of ours, remembered: a page of 15,000 links names a few hundred hosts. */
import type { Allowed } from "./allowed.ts"
import { prefixOf, type Scheme, type Target, targetOfAuthority } from "./target.ts"

/** Turns links of one document into ours. */
export interface LinkMap {
  /** Our prefix for an absolute URL's authority; "" is our own origin, null is outside. */
  prefixFor(scheme: Scheme, authority: string): string | null
  /** The same for the authority `text[from, to)` without copying it; `hash` is any that its scheme and characters always have. */
  prefixAt(scheme: Scheme, text: string, from: number, to: number, hash: number): string | null
  /** Whether a backend that is known by its name is called something under this one. */
  hasHostUnder(name: string): boolean
}

const knownAtMost = 4096
const recentSlots = 2048

interface Recent {
  scheme: Scheme
  authority: string
  prefix: string | null
}

export function linkMap(allowed: Allowed, own: { target: Target; authorities: readonly string[] }): LinkMap {
  const known = { http: new Map<string, string | null>(), https: new Map<string, string | null>() }
  const decide = (scheme: Scheme, authority: string): string | null => {
    if (scheme === "http" && own.authorities.includes(authority.toLowerCase())) return ""
    const text = decodedAuthority(authority)
    const target = text === null ? null : targetOfAuthority(scheme, text)
    if (!target) return null
    const itself = prefixOf(target) === prefixOf(own.target)
    return itself || allowed.permits(target.host, target.port) ? prefixOf(target) : null
  }
  const prefixFor = (scheme: Scheme, authority: string): string | null => {
    const decided = known[scheme]
    let prefix = decided.get(authority)
    if (prefix === undefined) {
      if (decided.size >= knownAtMost) decided.clear()
      prefix = decide(scheme, authority)
      decided.set(ownCopy(authority), prefix)
    }
    return prefix
  }
  // Two places for each, so that two hosts of a page that fall on one do not drive each other out at every link.
  const recent: (Recent | null)[] = new Array(recentSlots).fill(null)
  const hosts = [own.target.host, ...allowed.entries.map(({ host }) => host)]
  return {
    prefixFor,
    hasHostUnder: (name) => hosts.some((host) => host?.endsWith(`.${name}`)),
    prefixAt(scheme, text, from, to, hash) {
      const slot = (hash ^ (hash >>> 12)) & (recentSlots - 2)
      const first = recent[slot]
      if (first && isSame(first, scheme, text, from, to)) return first.prefix
      const second = recent[slot + 1]
      if (second && isSame(second, scheme, text, from, to)) return second.prefix
      const authority = text.slice(from, to)
      const prefix = prefixFor(scheme, authority)
      recent[slot + 1] = first ?? null
      recent[slot] = { scheme, authority: ownCopy(authority), prefix }
      return prefix
    },
  }
}

/**
 * As browsers read a page's bytes (https://url.spec.whatwg.org/#host-parsing): percent-decoded, as UTF-8. Null where that makes
 * of a host what is none.
 */
function decodedAuthority(authority: string): string | null {
  if (!/[%\x80-\xff]/.test(authority)) return authority
  const bytes = authority.replace(/%([\da-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  if (/%[\da-f]{2}/i.test(bytes) || count(bytes) !== count(authority)) return null
  return Buffer.from(bytes, "latin1").toString("utf8")
}

/** How many characters part an authority. */
const count = (text: string) => text.replace(/[^:@/\\?#[\]]/g, "").length

function isSame(known: Recent, scheme: Scheme, text: string, from: number, to: number): boolean {
  const { authority } = known
  return authority.length === to - from && known.scheme === scheme && text.startsWith(authority, from)
}

/** A slice keeps the text alive that it was cut from; what is remembered must not keep pages. */
export function ownCopy(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("latin1")
}
