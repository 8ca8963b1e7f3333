/** URLs that can be decided on in one pass and without copies: what almost all links of a large page are. */
import type { Base } from "./base.ts"
import type { Edit } from "./edit.ts"
import type { LinkMap } from "./link_map.ts"
import { isPrefixed } from "./paths.ts"

/**
 * Decides on the quoted URL that begins at `from`, where it is plainly `http://HOST:PORT/PATH`, `/PATH`, or relative without any
 * `..`. Returns where its quote is, or -1 where it is anything else, to be decided by `editOfReference`.
 */
export function passPlainReference(
  text: string,
  from: number,
  quote: number,
  base: Base,
  links: LinkMap,
  edits: Edit[],
): number {
  if (from >= text.length) return -1
  const first = text.charCodeAt(from)
  if (first === 0x2f) return passRooted(text, from, quote, base, edits)
  // An h: maybe http; of other letters only the colon tells.
  if (first === 0x68 && startsWithHttp(text, from)) {
    return base.prefix === null ? -1 : passAbsolute(text, from, quote, links, edits)
  }
  // A fragment or a query alone stays, whatever is in it.
  if (first === 0x23 || first === 0x3f) return text.indexOf(quote === 0x22 ? '"' : "'", from)
  return endOfPath(text, from, quote, true)
}

function passRooted(text: string, from: number, quote: number, base: Base, edits: Edit[]): number {
  const { prefix } = base
  if (prefix === null || from + 1 >= text.length || text.charCodeAt(from + 1) === 0x2f) return -1
  const end = endOfPath(text, from, quote, false)
  if (end >= 0 && !isPrefixed(text, from, end, prefix)) edits.push({ from, to: from, text: prefix })
  return end
}

function passAbsolute(text: string, from: number, quote: number, links: LinkMap, edits: Edit[]): number {
  const scheme = text.startsWith("://", from + 4)
    ? "http"
    : text.startsWith("s://", from + 4)
      ? "https"
      : null
  if (scheme === null) return -1
  const authority = from + scheme.length + 3
  const { length } = text
  let at = authority
  let hash = scheme.length
  for (; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x2f) break
    // Digits, letters, dots, hyphens and colons: nothing that could be read in two ways.
    if (code < 0x2d || code > 0x7a || (code > 0x3a && code < 0x61 && !(code >= 0x41 && code <= 0x5a)))
      return -1
    hash = Math.imul(hash ^ code, 0x01000193)
  }
  // Without a host it may still be behind more slashes: browsers skip those of `http:///HOST/`.
  if (at === authority || at + 1 >= length || text.charCodeAt(at + 1) === 0x2f) return -1
  const end = endOfPath(text, at, quote, false)
  if (end < 0) return -1
  const prefix = links.prefixAt(scheme, text, authority, at, hash)
  // Our own origin: a path of the backend's, which may have its prefix already.
  if (prefix === "" && !links.byName) return -1
  if (prefix !== null) edits.push({ from, to: at, text: prefix })
  return end
}

/** Where the quote is behind a path and query in which nothing could be meant otherwise than it is written; else -1. */
function endOfPath(text: string, from: number, quote: number, maybeScheme: boolean): number {
  const { length } = text
  let previous = 0
  for (let at = from; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code <= 0x20 || code === 0x26 || code === 0x25 || code === 0x5c) return -1
    if ((code === 0x2e && previous === 0x2e) || (maybeScheme && code === 0x3a)) return -1
    previous = code
  }
  return -1
}

/** In four looks: a call would take longer. */
function startsWithHttp(text: string, from: number): boolean {
  return (
    from + 5 < text.length &&
    text.charCodeAt(from + 1) === 0x74 &&
    text.charCodeAt(from + 2) === 0x74 &&
    text.charCodeAt(from + 3) === 0x70
  )
}
