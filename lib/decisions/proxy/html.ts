/**
 * HTML as a tokenizer reads it (https://html.spec.whatwg.org/#tokenization), in pieces as they come, reporting only the edits
 * that its URLs need: whatever is no URL of ours is never touched, be it valid or not.
 */
import { attributeAt, attributeNameAt, endOfValue } from "./attribute_text.ts"
import { endsTagName, isLetter, isSpaceOrSlash } from "./characters.ts"
import { beginsPage } from "./content_type.ts"
import { declarationAt } from "./declarations.ts"
import type { Edit } from "./edit.ts"
import { ElementContents, heldAtMost } from "./element_contents.ts"
import { ElementUrls, type PageFacts } from "./element_urls.ts"
import { markTag, Namespaces, newTag, type Tag } from "./foreign.ts"
import { type Mode, modeBehind } from "./modes.ts"
import { passPlainMarkup } from "./plain_markup.ts"

export interface HtmlOptions extends PageFacts {
  /** XHTML and SVG files: no raw text elements, CDATA and processing instructions everywhere. */
  xml?: boolean
  /** Put before the first element that could run a script. */
  shim?: string
  /** Whether this is a page; else only a doctype or an element of a page's beginning makes it one. */
  surelyPage?: boolean
}

const nameAtMost = 256

const data: Mode = { kind: "data" }
const inTag: Mode = { kind: "tag" }

export class HtmlScanner {
  #mode: Mode = data
  #tag: Tag = newTag("", false)
  #namespaces = new Namespaces()
  #shim: string | undefined
  #isPage: boolean
  /** Where in the undecided text the search for an attribute's end goes on: without it, slow writers cost n² steps. */
  #searched = 0
  readonly #urls: ElementUrls
  readonly #contents: ElementContents

  constructor(readonly options: HtmlOptions) {
    this.#shim = options.shim
    this.#isPage = options.surelyPage ?? false
    // Pages inside this one, in `srcdoc` and `<noscript>`: same base, no second shim.
    this.#urls = new ElementUrls(options, (text, from, to, edits) => {
      const { links, ownOrigin } = options
      const inside: Edit[] = []
      new HtmlScanner({ links, ownOrigin, base: this.#urls.base }).scan(text.slice(from, to), 0, true, inside)
      for (const edit of inside) edits.push({ ...edit, from: edit.from + from, to: edit.to + from })
    })
    this.#contents = new ElementContents(this.#urls)
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
      case "value": {
        const end = endOfValue(text, at, mode.quote)
        if (end !== null) this.#mode = inTag
        return end ?? text.length
      }
      default: {
        const next = this.#contents.step(mode, text, at, last, edits)
        if (next) this.#mode = next.mode
        return next?.at ?? null
      }
    }
  }

  #data(text: string, from: number, last: boolean, edits: Edit[]): number | null {
    const at = this.#nextMarkup(text, from, edits)
    // What was passed is decided; what begins here may not be.
    if (at !== from) return at
    const available = text.length - at
    const second = text.charCodeAt(at + 1)
    if (isLetter(second)) return this.#tagName(text, at, at + 1, false, last, edits)
    if (available < 2) return null
    if (second === 0x2f) {
      if (available < 3) return null
      const third = text.charCodeAt(at + 2)
      if (isLetter(third)) return this.#tagName(text, at, at + 2, true, last, edits)
      if (third === 0x3e) return at + 3
      this.#mode = { kind: "until", end: ">" }
      return at + 2
    }
    if (second === 0x21 || second === 0x3f) return this.#declaration(text, at, last, edits)
    return at + 1
  }

  /** The next `<` that something has to be known about, or the end. */
  #nextMarkup(text: string, from: number, edits: Edit[]): number {
    if (this.#namespaces.none && !this.options.xml && this.#shim === undefined) {
      return passPlainMarkup(text, from, this.#urls.base, this.options.links, edits)
    }
    const at = text.indexOf("<", from)
    return at < 0 ? text.length : at
  }

  /** `<!…` and `<?…`; a processing instruction may name a style sheet. */
  #declaration(text: string, at: number, last: boolean, edits: Edit[]): number | null {
    const { xml = false } = this.options
    const found = declarationAt(text, at, { xml, cdata: xml || this.#namespaces.foreign, heldAtMost, last })
    if (found === null) return null
    this.#isPage ||= /^<!doctype/i.test(text.slice(at, at + 9))
    if (found.sheet) this.#urls.edit("url", text, found.sheet.from, found.sheet.to, edits)
    this.#mode = found.mode
    return found.at
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
    while (end < text.length && !endsTagName(text.charCodeAt(end))) end++
    if (end === text.length && !last && end - start < nameAtMost) return null
    // Most end tags matter to nobody.
    if (isEnd && text.charCodeAt(end) === 0x3e && this.#namespaces.none) return end + 1
    const name = attributeNameAt(text, start, end)
    this.#tag = newTag(name, isEnd)
    const metaEdits: Edit[] | null = !isEnd && name === "meta" ? [] : null
    if (metaEdits && !this.#urls.meta(text, end, metaEdits) && !last && text.length - at < heldAtMost)
      return null
    // Before anything that could run; a doctype, <html> and <head> must come first.
    if (this.#shim !== undefined && !isEnd) {
      this.#isPage ||= beginsPage(name)
      if (name !== "html" && name !== "head") {
        if (this.#isPage) edits.push({ from: at, to: at, text: this.#shim })
        this.#shim = undefined
      }
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
    const { name, valueFrom } = found
    const ofStart = !this.#tag.isEnd && valueFrom !== null
    if (found.end === null) {
      this.#searched = text.length - at
      if (last || text.length - start <= heldAtMost)
        return start > at && !last ? this.#resume(start, at) : null
      // An attribute that goes on and on, mostly a data: URL.
      this.#searched = 0
      if (ofStart) this.#urls.longValue(this.#tag.name, name, text, valueFrom, edits)
      if (valueFrom !== null) this.#mode = { kind: "value", quote: found.quote }
      return text.length
    }
    this.#searched = 0
    if (ofStart) {
      if (this.#namespaces.foreign || this.#tag.name === "script")
        markTag(this.#tag, name, text.slice(valueFrom, found.valueTo))
      const { foreign, inTemplate } = this.#namespaces
      // A base of SVG's is none, nor one that a script may put in some day.
      const element = this.#tag.name === "base" && (foreign || inTemplate) ? "svg" : this.#tag.name
      this.#urls.attribute(element, name, text, valueFrom, found.valueTo, edits)
    }
    return found.end
  }

  #resume(start: number, at: number): number {
    this.#searched -= start - at
    return start
  }

  #tagEnds(): void {
    const { name, isEnd, selfClosing } = this.#tag
    this.#mode = data
    const { xml } = this.options
    if (isEnd && !xml) this.#namespaces.end(name)
    if (isEnd) return
    const markup = xml ? "xml" : this.#namespaces.start(this.#tag) ? "svg" : "html"
    if (markup !== "html" && selfClosing) return
    if (name === "noscript" && this.#contents.longNoscript) return
    this.#mode = modeBehind(this.#tag, markup, this.#urls.editOf) ?? data
  }
}
