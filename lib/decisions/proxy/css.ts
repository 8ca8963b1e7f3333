/**
 * Style sheets: the URLs of `url()`, `src()`, `@import "…"` and the strings of `image-set()`, by the tokens of
 * https://www.w3.org/TR/css-syntax-3/. Comments and other strings stay as they are.
 */
import { isNameCode, isSpace } from "./characters.ts"
import { endOfBadUrl, endOfBareUrl, nameAt, nameStart, stringEnd, withoutEscapes } from "./css_text.ts"
import type { Edit } from "./edit.ts"

/** Decides on one URL, decoded, at its place. */
export type ReferenceEdit = (url: string) => Edit | null

/**
 * A comment, a string, brackets, a rule, an escape, what old sheets stand in. Not each name: those that matter are read back from
 * their bracket, since looking at all of them takes several times as long.
 */
const interesting = /\/\*|["'()@\\]|<!--/g

/** Functions whose first argument is a URL. */
const urlFunctions = new Set(["url", "src"])
const imageSets = new Set(["image-set", "-webkit-image-set"])

/** Longer URLs and unfinished tokens are left as they are, so that look-ahead stays bounded. */
const heldAtMost = 64 * 1024

export class CssScanner {
  #inComment = false
  /** The quote of a string too long to hold; it is left alone up to its end. */
  #inString = ""
  /** The same of a name. */
  #inName = false
  #awaitsImport = false
  /** Depth of brackets at which each open image-set() began. */
  #imageSets: number[] = []
  #depth = 0
  /** Whether nothing follows: what is open then ends here, and browsers take it as whole. */
  #ended = false

  constructor(readonly editOf: ReferenceEdit) {}

  /**
   * Scans `text[from, to)` and adds edits. Returns the position up to which all is decided; what follows is to be given
   * again with more behind it, unless this is the last.
   */
  scan(text: string, from: number, to: number, last: boolean, edits: Edit[]): number {
    let at = from
    this.#ended = last
    const isLast = last || to - from > heldAtMost
    while (at < to) {
      if (this.#inComment) {
        const end = text.indexOf("*/", at)
        if (end < 0 || end + 2 > to) return last ? to : Math.max(at, to - 1)
        this.#inComment = false
        at = end + 2
        continue
      }
      if (this.#inString !== "") {
        const end = stringEnd(text, at, to, this.#inString)
        if (end === null) return to
        this.#inString = ""
        at = end + 1
        continue
      }
      if (this.#inName) {
        while (at < to && isNameCode(text.charCodeAt(at))) at++
        this.#inName = at === to
        continue
      }
      if (this.#awaitsImport) {
        while (at < to && isSpace(text.charCodeAt(at))) at++
        if (at === to || (at === to - 1 && text[at] === "/" && !last)) return at
        this.#awaitsImport = /^(?:["']|\/\*)/.test(text.slice(at, at + 2))
      }
      interesting.lastIndex = at
      const found = interesting.exec(text)
      // The last few characters may be the beginning of a `/*` or `<!--`.
      const safe = last ? to : Math.max(at, to - "<!-".length)
      if (!found || found.index >= safe) {
        return last ? to : this.#undecided(text, at, Math.min(to, found?.index ?? to), safe)
      }
      const [what] = found
      const start = what === "(" || what === "\\" ? nameStart(text, at, found.index) : found.index
      const next = this.#token(text, what, start, to, isLast, edits)
      if (next === null) return start
      at = next
    }
    return to
  }

  /** From where on the end of a piece, in which something may begin at `tail`, is to be seen again. */
  #undecided(text: string, from: number, tail: number, safe: number): number {
    const start = nameStart(text, from, tail)
    this.#inName = tail - start > heldAtMost
    return this.#inName ? tail : Math.max(from, Math.min(start, safe))
  }

  /** Handles what begins at `start`; returns where to go on, or null when more is needed to decide. */
  #token(text: string, what: string, start: number, to: number, last: boolean, edits: Edit[]): number | null {
    switch (what) {
      case "/*":
        this.#inComment = true
        return start + what.length
      case "<!--":
        return start + what.length
      case '"':
      case "'":
        return this.#string(text, what, start, to, last, edits)
      case ")":
        this.#depth = Math.max(0, this.#depth - 1)
        while ((this.#imageSets.at(-1) ?? -1) > this.#depth) this.#imageSets.pop()
        if (this.#depth === 0) this.#imageSets = []
        return start + 1
    }
    return this.#name(text, start, to, last, edits)
  }

  /** A rule, a function or its bracket alone, any other name that holds an escape. */
  #name(text: string, start: number, to: number, last: boolean, edits: Edit[]): number | null {
    const what = nameAt(text, start)
    const end = start + what.length
    if (!this.#ended && (end >= to || (end === to - 1 && text[end] === "\\"))) {
      this.#inName = last
      return last ? to : null
    }
    const name = (what.includes("\\") ? withoutEscapes(what).url : what).toLowerCase()
    this.#awaitsImport = what.startsWith("@") && name === "@import"
    if (end >= to || text[end] !== "(") return Math.max(end, start + 1)
    if (urlFunctions.has(name)) return this.#url(text, end + 1, to, last, edits)
    this.#depth++
    if (imageSets.has(name)) this.#imageSets.push(this.#depth)
    return end + 1
  }

  #string(
    text: string,
    quote: string,
    start: number,
    to: number,
    last: boolean,
    edits: Edit[],
  ): number | null {
    const end = stringEnd(text, start + 1, to, quote) ?? (this.#ended ? to : null)
    if (end === null) {
      if (!last) return null
      this.#inString = quote
      return start + 1
    }
    const inImageSet = this.#imageSets.length > 0 && this.#imageSets.at(-1) === this.#depth
    if (this.#awaitsImport || inImageSet) this.#edit(text, start + 1, end, edits)
    this.#awaitsImport = false
    return Math.min(to, end + 1)
  }

  /** The inside of `url(`: quoted, or bare up to its bracket. */
  #url(text: string, start: number, to: number, last: boolean, edits: Edit[]): number | null {
    let at = start
    while (at < to && /[\t\n\f\r ]/.test(text[at] as string)) at++
    if (at >= to) return last ? to : null
    const quote = text[at] as string
    if (quote === '"' || quote === "'") {
      const end = stringEnd(text, at + 1, to, quote) ?? (this.#ended ? to : null)
      this.#depth++
      if (end !== null) {
        this.#edit(text, at + 1, end, edits)
        return Math.min(to, end + 1)
      }
      this.#depth--
      if (!last) return null
      this.#depth++
      this.#inString = quote
      return at + 1
    }
    const end = Math.min(to, endOfBareUrl(text, at))
    if (end === to && !this.#ended) return last ? to : null
    let close = end
    while (close < to && /[\t\n\f\r ]/.test(text[close] as string)) close++
    if (close >= to && !last) return null
    if (close >= to ? this.#ended : text[close] === ")") {
      this.#edit(text, at, end, edits)
      return Math.min(to, close + 1)
    }
    // A bad url: all up to its bracket belongs to it.
    const bad = endOfBadUrl(text, end)
    if (bad === null || bad > to) return last ? to : null
    return bad
  }

  #edit(text: string, from: number, to: number, edits: Edit[]): void {
    const source = text.slice(from, to)
    if (!source.includes("\\")) {
      const edit = this.editOf(source)
      if (edit) edits.push({ from: from + edit.from, to: from + edit.to, text: edit.text })
      return
    }
    const { url, positions } = withoutEscapes(source)
    const edit = this.editOf(url)
    if (!edit) return
    edits.push({
      from: from + (positions[edit.from] ?? 0),
      to: from + (positions[edit.to] ?? source.length),
      text: edit.text,
    })
  }
}
