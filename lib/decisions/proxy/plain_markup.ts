/**
 * The markup that pages mostly consist of, passed in one go: tags of ordinary elements whose attributes are quoted and whose URLs
 * say at once what they are. Whatever is unusual in any way is left to `HtmlScanner`, which knows all of it; this only knows what
 * it may pass. It is the one loop that a large page's time is spent in.
 */
import { kindOfAttribute, namesWithUrls } from "./attributes.ts"
import type { Base } from "./base.ts"
import type { Edit } from "./edit.ts"
import type { LinkMap } from "./link_map.ts"
import { passPlainReference } from "./plain_reference.ts"

/** Elements after which text is read otherwise, that change what URLs mean, or that have to be read as a whole. */
const unusualElements =
  "script style xmp iframe noembed noframes noscript textarea title plaintext svg math base meta template"

/** Marks of names by a hash: a stranger with the same hash is only slower. */
const marks = 4096
const hashWith = (hash: number, code: number) => (Math.imul(hash, 31) + (code | 0x20)) & (marks - 1)
const isLetter = (code: number) => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a

const unusual = new Uint8Array(marks)
for (const name of unusualElements.split(" ")) unusual[hashOf(name)] = 1

const [noUrl, plainUrl, css, otherUrl, rel] = [0, 1, 2, 3, 4] as const
const attributes = new Uint8Array(marks)
for (const name of namesWithUrls) {
  const hash = hashOf(name)
  attributes[hash] = attributes[hash] === noUrl ? kindOf(name) : otherUrl
}

/**
 * Passes plain markup of `text` in HTML's own namespace and outside of any tag, and adds the edits of its URLs. Returns where
 * something else begins: a `<`, or the end of the text where there is none.
 */
export function passPlainMarkup(
  text: string,
  from: number,
  base: Base,
  links: LinkMap,
  edits: Edit[],
): number {
  const { length } = text
  let at = from
  for (;;) {
    const open = nextBracket(text, at)
    if (open === length) return length
    const decided = edits.length
    const end = endOfPlainTag(text, open, base, links, edits)
    if (end < 0) {
      edits.length = decided
      return open
    }
    at = end
  }
}

/** Behind the tag that begins at `open`, or -1 where it is not plain. */
function endOfPlainTag(text: string, open: number, base: Base, links: LinkMap, edits: Edit[]): number {
  const { length } = text
  let at = open + 1
  if (at >= length) return -1
  const isEnd = text.charCodeAt(at) === 0x2f
  if (isEnd && ++at >= length) return -1
  let code = text.charCodeAt(at)
  if (!isLetter(code)) return -1
  let hash = 0
  do {
    hash = hashWith(hash, code)
    if (++at >= length) return -1
    code = text.charCodeAt(at)
  } while (isLetter(code) || (code >= 0x30 && code <= 0x39))
  // Where all is HTML, end tags matter to nobody.
  if (isEnd) return code === 0x3e ? at + 1 : -1
  if (unusual[hash] !== 0) return -1
  for (;;) {
    code = text.charCodeAt(at)
    if (code === 0x3e) return at + 1
    if (code === 0x2f) return at + 1 < length && text.charCodeAt(at + 1) === 0x3e ? at + 2 : -1
    if (code !== 0x20 && code !== 0x0a) return -1
    do {
      if (++at >= length) return -1
      code = text.charCodeAt(at)
    } while (code === 0x20 || code === 0x0a)
    if (code === 0x3e || code === 0x2f) continue
    at = endOfPlainAttribute(text, at, base, links, edits)
    if (at < 0 || at >= length) return -1
  }
}

/** Behind the attribute that begins at `start`, or -1 where it is not plain. */
function endOfPlainAttribute(text: string, start: number, base: Base, links: LinkMap, edits: Edit[]): number {
  const { length } = text
  let at = start
  let hash = 0
  let code = text.charCodeAt(at)
  while (isLetter(code) || code === 0x2d || (code >= 0x30 && code <= 0x39)) {
    hash = hashWith(hash, code)
    if (++at >= length) return -1
    code = text.charCodeAt(at)
  }
  if (at === start) return -1
  if (code !== 0x3d) return at
  if (at + 1 >= length) return -1
  const quote = text.charCodeAt(at + 1)
  if (quote !== 0x22 && quote !== 0x27) return -1
  const kind = attributes[hash]
  if (kind === noUrl) {
    const close = text.indexOf(quote === 0x22 ? '"' : "'", at + 2)
    return close < 0 ? -1 : close + 1
  }
  const close =
    kind === plainUrl
      ? passPlainReference(text, at + 2, quote, base, links, edits)
      : kind === css
        ? passPlainCss(text, at + 2, quote)
        : kind === rel
          ? passPlainRel(text, at + 2, quote)
          : -1
  return close < 0 ? -1 : close + 1
}

/** Where the quote is behind declarations without any function, at-rule, escape or character reference; else -1. */
function passPlainCss(text: string, from: number, quote: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code === 0x28 || code === 0x26 || code === 0x40 || code === 0x5c) return -1
  }
  return -1
}

/** Where the quote is behind a `rel` that hides nothing; else -1. */
function passPlainRel(text: string, from: number, quote: number): number {
  const close = text.indexOf(quote === 0x22 ? '"' : "'", from)
  return /referrer|&/i.test(text.slice(from, Math.max(from, close))) ? -1 : close
}

/** Text between tags is mostly short: looking at some characters is faster than a call that looks at all. */
function nextBracket(text: string, from: number): number {
  const near = Math.min(text.length, from + 24)
  let at = from
  while (at < near && text.charCodeAt(at) !== 0x3c) at++
  if (at < near) return at
  const found = text.indexOf("<", at)
  return found < 0 ? text.length : found
}

/** Whose kind depends on the element is not plain: no element is called "". */
function kindOf(name: string): number {
  if (name === "rel") return rel
  const kind = kindOfAttribute("", name)
  return kind === "url" ? plainUrl : kind === "css" ? css : otherUrl
}

function hashOf(name: string): number {
  let hash = 0
  for (let at = 0; at < name.length; at++) hash = hashWith(hash, name.charCodeAt(at))
  return hash
}
