/** Which authorities of absolute URLs are backends of ours, remembered: a page of 15,000 links names a few hundred hosts. */
import type { Allowed } from "./allowed.ts"
import { crossingPath } from "./reserved_paths.ts"
import { prefixOf, type Scheme, type Target, targetOfAuthority } from "./target.ts"

/** Turns links of one document into ours. */
export interface LinkMap {
  /** Our prefix for an absolute URL's authority; "" is the document's own origin, null is outside. */
  prefixFor(scheme: Scheme, authority: string): string | null
  /** `prefixFor` of the authority `text[from, to)` without copying it; `hash` is any that its scheme and characters always have. */
  prefixAt(scheme: Scheme, text: string, from: number, to: number, hash: number): string | null
  /** The origin of its own under which the browser sees a backend; null where backends share ours, and for what is outside. */
  originFor(scheme: Scheme, authority: string): string | null
  /** Whether a backend that is known by its name is called something under this one. */
  hasHostUnder(name: string): boolean
  /** Whether the document is shown under a name of its own, where none of its paths change. */
  readonly byName: boolean
}

/** Where a document is shown. */
export interface DocumentPlace {
  target: Target
  /** Authorities that are our own origin: the backend learned them from X-Forwarded-Host. */
  authorities: readonly string[]
  /** The origin of a backend's own name; null where backends are shown by path. */
  originOf: ((target: Target) => string | null) | null
}

const knownAtMost = 4096
const recentSlots = 2048

interface Recent {
  scheme: Scheme
  authority: string
  prefix: string | null
}

/** What nodes call themselves; in a browser each of them would be the reader's own machine. */
const selfNames = new Set(["localhost", "127.0.0.1", "127.0.1.1", "0.0.0.0", "::1"])

export function linkMap(allowed: Allowed, own: DocumentPlace): LinkMap {
  const known = { http: new Map<string, string | null>(), https: new Map<string, string | null>() }
  const byName = own.originOf !== null
  const isItself = (target: Target) => prefixOf(target) === prefixOf(own.target)
  const shownAt = (target: Target) =>
    byName ? (isItself(target) ? "" : crossingPath + prefixOf(target)) : prefixOf(target)
  const meant = (scheme: Scheme, authority: string): Target | null => {
    const text = decodedAuthority(authority)
    const target = text === null ? null : targetOfAuthority(scheme, text)
    if (!target) return null
    const isAllowed = isItself(target) || allowed.permits(target.host, target.port) !== null
    if (!selfNames.has(target.host)) return isAllowed ? target : null
    // The node's own name for itself: even where that port is not allowed, the reader's machine is not meant.
    const there = { ...target, host: own.target.host }
    return isItself(there) || allowed.permits(there.host, there.port) || !isAllowed ? there : target
  }
  const decide = (scheme: Scheme, authority: string): string | null => {
    if (scheme === "http" && own.authorities.includes(authority.toLowerCase())) return ""
    const target = meant(scheme, authority)
    return target && shownAt(target)
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
    byName,
    originFor(scheme, authority) {
      const target = meant(scheme, authority)
      return target && (own.originOf?.(target) ?? null)
    },
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
