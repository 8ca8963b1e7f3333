/**
 * HTML as a tokenizer reads it (https://html.spec.whatwg.org/#tokenization), in pieces as they come, reporting only the edits
 * that its URLs need: whatever is no URL of ours is never touched, be it valid or not.
 */
import { kindOfAttribute } from "./attributes.ts"
import { CssScanner } from "./css.ts"
import { editInAttribute, editsInAttribute } from "./edits.ts"
import { Namespaces } from "./foreign.ts"
import { rewrittenPolicy } from "./policy.ts"
import {
  type Base,
  baseAfter,
  type Edit,
  editOfPlainReference,
  editOfReference,
  type LinkMap,
} from "./reference.ts"
import { editsInList, editsInRefresh, editsInSrcset } from "./values.ts"

export interface HtmlOptions {
  links: LinkMap
  base: Base
  /** Our own origin, as policies in <meta> name it. */
  ownOrigin: string
  /** XHTML and SVG files: no raw text elements, CDATA and processing instructions everywhere. */
  xml?: boolean
  /** Put before the first element that could run a script. */
  shim?: string
}

/** Look-ahead: what is longer than this is left as it is, except that the head of a single URL is still seen. */
const heldAtMost = 64 * 1024
const nameAtMost = 256

type Mode =
  | { kind: "data" }
  | { kind: "tag" }
  | { kind: "value"; quote: string }
  | { kind: "until"; end: string }
  | { kind: "comment" }
  | { kind: "raw"; name: string }
  | { kind: "script" }
  /** `markup`: SVG's, whose text ends at any tag. */
  | { kind: "style"; css: CssScanner; markup: boolean }
  | { kind: "noscript" }
  | { kind: "plaintext" }

interface Tag {
  name: string
  isEnd: boolean
  selfClosing: boolean
  encodesHtml: boolean
  fontStyled: boolean
}

interface Attribute {
  name: string
  from: number
  to: number
}

/**
 * The next `<` that is not of a whole tag about which nothing has to be known: no URL can be in it, and it changes nothing for
 * what follows. Three of four tags of a table are such; passing them in one expression halves the time of a large page.
 */
const relevant = new RegExp(
  "<(?!\\/?(?!(?:script|style|xmp|iframe|noembed|noframes|noscript|textarea|title|plaintext|svg|math)[\\s>])[a-z][a-z0-9]*" +
    '(?:\\s+(?:class|id|name|title|align|valign|width|height|colspan|rowspan|type|value|rel|target|lang|role|alt|border)="[^"<>]*")*' +
    "\\s*>)",
  "gi",
)

const data: Mode = { kind: "data" }
const inTag: Mode = { kind: "tag" }
const rawTextElements = new Set(["xmp", "iframe", "noembed", "noframes", "textarea", "title"])

export class HtmlScanner {
  #mode: Mode = data
  #tag: Tag = { name: "", isEnd: false, selfClosing: false, encodesHtml: false, fontStyled: false }
  #namespaces = new Namespaces()
  #base: Base
  #baseSeen = false
  #shim: string | undefined
  /** Where in the undecided text the search for an attribute's end goes on: without it, slow writers cost n² steps. */
  #searched = 0
  readonly #editOf = (url: string) => editOfReference(url, this.#base, this.options.links)

  constructor(readonly options: HtmlOptions) {
    this.#base = options.base
    this.#shim = options.shim
  }

  /** As `CssScanner#scan`: decides on `text` from `from` on, returns the position up to which all is decided. */
  scan(text: string, from: number, last: boolean, edits: Edit[]): number {
    let at = from
    while (at < text.length) {
      const mode = this.#mode
      const next = this.#step(text, at, last, edits)
      if (next === null) return last ? text.length : at
      // A page must not be able to hold us for ever, whatever was overlooked above.
      if (next === at && this.#mode === mode) return last ? text.length : at
      at = next
    }
    return at
  }

  /** One token, or a part of one; returns where to go on, or null when more text is needed. */
  #step(text: string, at: number, last: boolean, edits: Edit[]): number | null {
    const mode = this.#mode
    switch (mode.kind) {
      case "data":
        return this.#data(text, at, last, edits)
      case "tag":
        return this.#attribute(text, at, last, edits)
      case "value":
        return this.#restOfValue(text, at, mode.quote)
      case "comment":
        return this.#comment(text, at, last)
      case "until":
        return this.#until(text, at, mode.end, last)
      case "raw":
        return this.#raw(text, at, mode.name, last)
      case "script":
        return this.#script(text, at, last)
      case "style":
        return this.#style(text, at, mode, last, edits)
      case "noscript":
        return this.#noscript(text, at, last, edits)
      case "plaintext":
        return text.length
    }
  }

  #data(text: string, from: number, last: boolean, edits: Edit[]): number | null {
    const at = this.#nextMarkup(text, from)
    if (at < 0) return text.length
    const available = text.length - at
    const second = text.charCodeAt(at + 1)
    if (isLetter(second)) return this.#tagName(text, at, at + 1, false, last, edits)
    if (available < 2) return last ? text.length : at === from ? null : at
    if (second === 0x2f) {
      if (available < 3) return last ? text.length : at === from ? null : at
      const third = text.charCodeAt(at + 2)
      if (isLetter(third)) return this.#tagName(text, at, at + 2, true, last, edits)
      if (third === 0x3e) return at + 3
      this.#mode = { kind: "until", end: ">" }
      return at + 2
    }
    if (second === 0x21) return this.#markup(text, at, from, last)
    if (second === 0x3f) return this.#instruction(text, at, from, last, edits)
    return at + 1
  }

  #nextMarkup(text: string, from: number): number {
    if (!this.#namespaces.none || this.options.xml || this.#shim !== undefined) return text.indexOf("<", from)
    relevant.lastIndex = from
    const found = relevant.exec(text)
    return found ? found.index : -1
  }

  /** `<!`: a comment, a doctype, CDATA where it exists, or nonsense up to the next bracket. */
  #markup(text: string, at: number, from: number, last: boolean): number | null {
    if (!last && text.length - at < "<![CDATA[".length && !text.startsWith("<!--", at)) {
      const sofar = text.slice(at)
      if ("<!--".startsWith(sofar) || "<![CDATA[".startsWith(sofar)) return at === from ? null : at
    }
    if (text.startsWith("<!--", at)) {
      this.#mode = { kind: "comment" }
      // `<!-->` and `<!--->` are whole comments.
      const short = /^-?>/.exec(text.slice(at + 4, at + 6))
      if (short) {
        this.#mode = data
        return at + 4 + short[0].length
      }
      if (!last && text.length - at < 6) {
        this.#mode = data
        return at === from ? null : at
      }
      return at + 4
    }
    const cdata = (this.options.xml || this.#namespaces.foreign) && text.startsWith("<![CDATA[", at)
    this.#mode = { kind: "until", end: cdata ? "]]>" : ">" }
    return at + (cdata ? 9 : 2)
  }

  #instruction(text: string, at: number, from: number, last: boolean, edits: Edit[]): number | null {
    if (!this.options.xml) {
      this.#mode = { kind: "until", end: ">" }
      return at + 2
    }
    const end = text.indexOf("?>", at)
    if (end < 0 && !last && text.length - at < heldAtMost) return at === from ? null : at
    const head = /^<\?xml-stylesheet[\t\n\r ][^>]*?href[\t\n\r ]*=[\t\n\r ]*(["'])/.exec(text.slice(at, end))
    if (head) {
      const start = at + head[0].length
      const close = text.indexOf(head[1] as string, start)
      if (close > 0 && close < end) this.#edit("url", text, start, close, edits)
    }
    this.#mode = { kind: "until", end: "?>" }
    return at + 2
  }

  #tagName(
    text: string,
    at: number,
    start: number,
    isEnd: boolean,
    last: boolean,
    edits: Edit[],
  ): number | null {
    let end = start
    while (end < text.length && !endsName(text.charCodeAt(end))) end++
    if (end === text.length && !last && end - start < nameAtMost) return null
    // Most end tags matter to nobody.
    if (isEnd && text.charCodeAt(end) === 0x3e && this.#namespaces.none) return end + 1
    const name = nameAt(text, start, end)
    const tag = this.#tag
    tag.name = name
    tag.isEnd = isEnd
    tag.selfClosing = tag.encodesHtml = tag.fontStyled = false
    const metaEdits: Edit[] | null = !isEnd && name === "meta" ? [] : null
    if (metaEdits && !this.#meta(text, end, metaEdits) && !last && text.length - at < heldAtMost) return null
    // Before anything that could run; a doctype, <html> and <head> must come first.
    if (this.#shim !== undefined && !isEnd && name !== "html" && name !== "head") {
      edits.push({ from: at, to: at, text: this.#shim })
      this.#shim = undefined
    }
    if (metaEdits) edits.push(...metaEdits)
    this.#mode = inTag
    this.#searched = 0
    return end
  }

  #attribute(text: string, at: number, last: boolean, edits: Edit[]): number | null {
    let start = at
    while (start < text.length && isSpaceOrSlash(text.charCodeAt(start))) start++
    if (start === text.length) {
      // A slash may be the one before the bracket.
      return text.charCodeAt(start - 1) === 0x2f && !last ? (start - 1 > at ? start - 1 : null) : text.length
    }
    if (text.charCodeAt(start) === 0x3e) {
      this.#tag.selfClosing = start > at && text.charCodeAt(start - 1) === 0x2f
      this.#tagEnds()
      return start + 1
    }
    const found = attributeAt(text, start, this.#searched > 0 ? at + this.#searched : 0)
    if (found.end === null) {
      this.#searched = text.length - at
      if (last || text.length - start <= heldAtMost)
        return start > at && !last ? this.#resume(start, at) : null
      return this.#longValue(text, start, found, edits)
    }
    this.#searched = 0
    if (!this.#tag.isEnd && found.valueFrom !== null) {
      this.#startTagAttribute(text, found.name, found.valueFrom, found.valueTo, edits)
    }
    return found.end
  }

  #resume(start: number, at: number): number {
    this.#searched -= start - at
    return start
  }

  #startTagAttribute(text: string, name: string, from: number, to: number, edits: Edit[]): void {
    const tag = this.#tag
    if (this.#namespaces.foreign) {
      if (tag.name === "font" && /^(?:color|face|size)$/.test(name)) tag.fontStyled = true
      if (tag.name === "annotation-xml" && name === "encoding") {
        tag.encodesHtml = /^(?:text\/html|application\/xhtml\+xml)$/i.test(text.slice(from, to))
      }
    }
    if (tag.name === "base" && name === "href" && !this.#baseSeen) {
      this.#baseSeen = true
      const before = this.#base
      editsInAttribute(text, from, to, edits, (value) => {
        this.#base = baseAfter(value, before, this.options.links)
      })
      editInAttribute(text, from, to, edits, (value) => editOfReference(value, before, this.options.links))
      return
    }
    const kind = kindOfAttribute(tag.name, name)
    if (kind) this.#edit(kind, text, from, to, edits)
  }

  #edit(kind: string, text: string, from: number, to: number, edits: Edit[]): void {
    if (from === to) return
    if (kind === "url") {
      const plain = editOfPlainReference(text, from, to, this.#base, this.options.links)
      if (plain) edits.push(plain)
      else if (plain === undefined && !isRelative(text.charCodeAt(from)) && !text.startsWith("data:", from)) {
        editInAttribute(text, from, to, edits, this.#editOf)
      }
      return
    }
    editsInAttribute(text, from, to, edits, (value, _from, _to, found) => {
      if (kind === "srcset") editsInSrcset(value, this.#editOf, found)
      else if (kind === "list") editsInList(value, this.#editOf, found)
      else if (kind === "css") new CssScanner(this.#editOf).scan(value, 0, value.length, true, found)
      else new HtmlScanner(this.#nested()).scan(value, 0, true, found)
    })
  }

  /** Pages inside this one, in `srcdoc` and `<noscript>`: same base, no second shim. */
  #nested(): HtmlOptions {
    const { links, ownOrigin } = this.options
    return { links, ownOrigin, base: this.#base }
  }

  /** An attribute that goes on and on, mostly a data: URL. Of a single URL the head decides; the rest passes. */
  #longValue(text: string, start: number, found: AttributeText, edits: Edit[]): number {
    this.#searched = 0
    if (found.valueFrom === null) return text.length
    const kind = this.#tag.isEnd ? null : kindOfAttribute(this.#tag.name, found.name)
    if (kind === "url") {
      const head: Edit[] = []
      this.#edit(kind, text, found.valueFrom, Math.min(text.length, found.valueFrom + 4096), head)
      edits.push(...head.filter(({ to }) => to < (found.valueFrom ?? start) + 4096))
    }
    this.#mode = { kind: "value", quote: found.quote }
    return text.length
  }

  #restOfValue(text: string, at: number, quote: string): number {
    let end = at
    if (quote !== "") end = text.indexOf(quote, at)
    else while (end < text.length && !isSpace(text.charCodeAt(end)) && text.charCodeAt(end) !== 0x3e) end++
    if (end < 0 || end >= text.length) return text.length
    this.#mode = inTag
    return end + quote.length
  }

  #tagEnds(): void {
    const { name, isEnd, selfClosing } = this.#tag
    this.#mode = data
    if (this.options.xml) {
      if (!isEnd && !selfClosing && localName(name) === "style") this.#mode = this.#styleMode()
      return
    }
    if (isEnd) {
      this.#namespaces.end(name)
      return
    }
    if (this.#namespaces.start(name, selfClosing, this.#tag)) {
      if (name === "style" && !selfClosing) this.#mode = { ...this.#styleMode(), markup: true }
    } else if (name === "script") this.#mode = { kind: "script" }
    else if (name === "style") this.#mode = this.#styleMode()
    else if (name === "noscript") this.#mode = { kind: "noscript" }
    else if (name === "plaintext") this.#mode = { kind: "plaintext" }
    else if (rawTextElements.has(name)) this.#mode = { kind: "raw", name }
  }

  #styleMode() {
    return { kind: "style" as const, css: new CssScanner(this.#editOf), markup: false }
  }

  /** Which attribute of a <meta> is a URL depends on another one, so it is read as a whole. */
  #meta(text: string, from: number, edits: Edit[]): boolean {
    const attributes = new Map<string, Attribute>()
    let at = from
    for (;;) {
      while (at < text.length && isSpaceOrSlash(text.charCodeAt(at))) at++
      if (at >= text.length) return false
      if (text.charCodeAt(at) === 0x3e) break
      const found = attributeAt(text, at, 0)
      if (found.end === null) return false
      if (found.valueFrom !== null && !attributes.has(found.name)) {
        attributes.set(found.name, { name: found.name, from: found.valueFrom, to: found.valueTo })
      }
      at = found.end
    }
    const content = attributes.get("content")
    const equiv = attributes.get("http-equiv")
    if (!content) return true
    const what = equiv ? text.slice(equiv.from, equiv.to).trim().toLowerCase() : ""
    if (what === "refresh") {
      editsInAttribute(text, content.from, content.to, edits, (value, _from, _to, found) =>
        editsInRefresh(value, this.#editOf, found),
      )
    } else if (what.startsWith("content-security-policy")) {
      editsInAttribute(text, content.from, content.to, edits, (value, from, to, found) => {
        const policy = rewrittenPolicy(value, this.#base, this.options.links, this.options.ownOrigin)
        if (policy !== value) found.push({ from, to, text: policy })
      })
    }
    return true
  }

  #comment(text: string, from: number, last: boolean): number | null {
    const end = /--!?>/g
    end.lastIndex = from
    if (end.exec(text)) {
      this.#mode = data
      return end.lastIndex
    }
    return last ? text.length : advance(from, text.length - 3)
  }

  #until(text: string, from: number, end: string, last: boolean): number | null {
    const at = text.indexOf(end, from)
    if (at >= 0) {
      this.#mode = data
      return at + end.length
    }
    return last ? text.length : advance(from, text.length - end.length + 1)
  }

  #raw(text: string, from: number, name: string, last: boolean): number | null {
    const end = endTagOf(text, from, name)
    if (end.found) this.#mode = data
    if (last && !end.found) return text.length
    return end.found ? end.at : advance(from, end.at)
  }

  /** Scripts end at their end tag, but not inside `<!-- <script>` … `</script> -->`. */
  #script(text: string, from: number, last: boolean): number | null {
    let at = from
    for (;;) {
      const end = endTagOf(text, at, "script")
      const opening = text.indexOf("<!--", at)
      if (opening < 0 || opening > end.at) {
        if (end.found) this.#mode = data
        const partial = opening < 0 ? Math.min(end.at, text.length - 3) : end.at
        if (last && !end.found) return text.length
        return end.found ? end.at : advance(from, Math.max(at, partial))
      }
      const closed = afterEscapedScript(text, opening)
      if (closed === null)
        return last || text.length - from > heldAtMost ? text.length : advance(from, opening)
      if (closed.ends) {
        this.#mode = data
        return closed.at
      }
      at = closed.at
    }
  }

  #style(
    text: string,
    from: number,
    { css, markup }: Extract<Mode, { kind: "style" }>,
    last: boolean,
    edits: Edit[],
  ): number | null {
    const end = markup ? anyTagOf(text, from) : endTagOf(text, from, "style")
    if (last && !end.found) end.at = text.length
    const decided = css.scan(text, from, end.at, end.found || last, edits)
    if (end.found) this.#mode = data
    return end.found || last ? end.at : advance(from, decided)
  }

  /** Browsers that run scripts take this as text up to its end tag; what is inside is rewritten for all others. */
  #noscript(text: string, from: number, last: boolean, edits: Edit[]): number | null {
    const end = endTagOf(text, Math.max(from, from + this.#searched - 16), "noscript")
    if (!end.found && !last && text.length - from < heldAtMost) {
      this.#searched = text.length - from
      return null
    }
    this.#searched = 0
    this.#mode = data
    if (!end.found) return from
    const inside: Edit[] = []
    new HtmlScanner(this.#nested()).scan(text.slice(from, end.at), 0, true, inside)
    for (const edit of inside) edits.push({ ...edit, from: edit.from + from, to: edit.to + from })
    return end.at
  }
}

interface AttributeText {
  name: string
  quote: string
  valueFrom: number | null
  valueTo: number
  /** Null while its end is not there. */
  end: number | null
}

/** The attribute whose name begins at `start`; the search for a quoted value's end begins at `searchFrom`. */
function attributeAt(text: string, start: number, searchFrom: number): AttributeText {
  const length = text.length
  let at = start + 1
  while (at < length && !endsAttributeName(text.charCodeAt(at))) at++
  const nameEnd = at
  while (at < length && isSpace(text.charCodeAt(at))) at++
  if (at >= length) return attribute("", "", null, 0, null)
  if (text.charCodeAt(at) !== 0x3d) return attribute("", "", null, 0, nameEnd)
  at++
  while (at < length && isSpace(text.charCodeAt(at))) at++
  if (at >= length) return attribute("", "", null, 0, null)
  const name = nameAt(text, start, nameEnd)
  const quote = text.charCodeAt(at)
  if (quote === 0x3e) return attribute("", "", null, 0, at)
  if (quote === 0x22 || quote === 0x27) {
    const mark = quote === 0x22 ? '"' : "'"
    const close = text.indexOf(mark, Math.max(at + 1, searchFrom))
    return attribute(name, mark, at + 1, close, close < 0 ? null : close + 1)
  }
  let end = Math.max(at, searchFrom)
  while (end < length && !isSpace(text.charCodeAt(end)) && text.charCodeAt(end) !== 0x3e) end++
  return attribute(name, "", at, end, end < length ? end : null)
}

function attribute(
  name: string,
  quote: string,
  valueFrom: number | null,
  valueTo: number,
  end: number | null,
): AttributeText {
  return { name, quote, valueFrom, valueTo, end }
}

/** Names seen before, so that a page's hundred thousand `td` are one string. */
const names: string[] = new Array(256).fill("")

/** `text[start, end)` in lower case. */
function nameAt(text: string, start: number, end: number): string {
  const slot = (text.charCodeAt(start) * 7 + text.charCodeAt(end - 1) * 31 + (end - start)) & 255
  const known = names[slot] as string
  if (known.length === end - start && text.startsWith(known, start)) return known
  const name = text.slice(start, end).toLowerCase()
  if (name.length < 32) names[slot] = name
  return name
}

/** Where `</name` stands that ends raw text, else up to where none can begin. */
function endTagOf(text: string, from: number, name: string): { found: boolean; at: number } {
  for (let at = text.indexOf("</", from); at >= 0; at = text.indexOf("</", at + 2)) {
    const end = at + 2 + name.length
    if (text.slice(at + 2, end).toLowerCase() === name.slice(0, text.length - at - 2)) {
      if (end >= text.length) return { found: false, at }
      if (endsName(text.charCodeAt(end))) return { found: true, at }
    }
  }
  return { found: false, at: text.endsWith("<") ? Math.max(from, text.length - 1) : text.length }
}

/** Where the next tag or comment begins, else up to where none can. */
function anyTagOf(text: string, from: number): { found: boolean; at: number } {
  for (let at = text.indexOf("<", from); at >= 0; at = text.indexOf("<", at + 1)) {
    if (at + 3 >= text.length) return { found: false, at }
    if (isLetter(text.charCodeAt(at + 1)) || text[at + 1] === "/" || text.startsWith("<!--", at))
      return { found: true, at }
  }
  return { found: false, at: text.length }
}

/**
 * From a `<!--` in a script: where its escape ends with `-->`, or the script's end tag if no `<script` came in between. Null
 * where neither is there yet.
 */
function afterEscapedScript(text: string, opening: number): { at: number; ends: boolean } | null {
  const parts = /-->|<(\/?)script(?=[\t\n\f\r />])/gi
  // `<!-->` and `<!--->` end at once: their dashes count twice.
  parts.lastIndex = opening + 2
  let doubly = false
  for (let found = parts.exec(text); found; found = parts.exec(text)) {
    if (found[0] === "-->") return { at: parts.lastIndex, ends: false }
    if (found[1] === "") doubly = true
    else if (doubly) doubly = false
    else return { at: found.index, ends: true }
  }
  return null
}

/** Null where there is no progress. */
function advance(from: number, to: number): number | null {
  return to > from ? to : null
}

const isLetter = (code: number) => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
const isSpace = (code: number) =>
  code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d || code === 0x0c
const isSpaceOrSlash = (code: number) => isSpace(code) || code === 0x2f
const endsName = (code: number) => isSpaceOrSlash(code) || code === 0x3e
const endsAttributeName = (code: number) => endsName(code) || code === 0x3d
/** A fragment or a query alone. */
const isRelative = (code: number) => code === 0x23 || code === 0x3f
const localName = (name: string) => name.slice(name.indexOf(":") + 1)
