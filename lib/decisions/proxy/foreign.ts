/**
 * Whether a tag stands in HTML or in SVG or MathML, where `<style>` and `<title>` are ordinary elements and CDATA exists
 * (https://html.spec.whatwg.org/#parsing-main-inforeign). Followed by tag names alone, as a tokenizer without a tree can.
 */

/** Start tags that end foreign content. */
const breakout = new Set(
  "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var".split(
    " ",
  ),
)
const svgIntegration = new Set(["foreignobject", "desc", "title"])
const mathText = new Set(["mi", "mo", "mn", "ms", "mtext"])

/** A tag as far as it has been read. */
export interface Tag {
  name: string
  isEnd: boolean
  selfClosing: boolean
  /** annotation-xml that says it holds text/html. */
  encodesHtml: boolean
  /** A font tag with color, face or size. */
  fontStyled: boolean
  /** A script that is an import map. */
  importMap: boolean
}

export function newTag(name: string, isEnd: boolean): Tag {
  return { name, isEnd, selfClosing: false, encodesHtml: false, fontStyled: false, importMap: false }
}

/** What the attribute of a foreign tag or a script says about what is behind it. */
export function markTag(tag: Tag, attribute: string, value: string): void {
  if (tag.name === "script" && attribute === "type") tag.importMap = value.toLowerCase() === "importmap"
  if (tag.name === "font" && /^(?:color|face|size)$/.test(attribute)) tag.fontStyled = true
  if (tag.name === "annotation-xml" && attribute === "encoding") {
    tag.encodesHtml = /^(?:text\/html|application\/xhtml\+xml)$/i.test(value)
  }
}

interface Open {
  name: string
  inside: "html" | "svg" | "math"
}

export class Namespaces {
  /** The roots and integration points that are open, and templates. */
  #open: Open[] = []

  /** Whether all is HTML, so that no end tag matters. */
  get none(): boolean {
    return this.#open.length === 0
  }

  get foreign(): boolean {
    return this.#open.length > 0 && this.#open.at(-1)?.inside !== "html"
  }

  /** Whether all is the content of a `<template>`, which is no part of the page. */
  get inTemplate(): boolean {
    return this.#open.some(({ name }) => name === "template")
  }

  /** A start tag; returns whether its element is foreign. */
  start({ name, selfClosing, encodesHtml, fontStyled }: Tag): boolean {
    const breaksOut = breakout.has(name) || (name === "font" && fontStyled)
    if (breaksOut) this.#leaveForeign()
    const current = this.#open.at(-1)
    const inside = current?.inside ?? "html"
    if (inside === "html") {
      if (name === "template") this.#push({ name, inside })
      if (name !== "svg" && name !== "math") return false
      if (!selfClosing) this.#push({ name, inside: name })
      return true
    }
    if (selfClosing) return true
    if (inside === "svg" && svgIntegration.has(name)) this.#push({ name, inside: "html" })
    else if (inside === "math" && mathText.has(name)) this.#push({ name, inside: "html" })
    else if (inside === "math" && name === "annotation-xml") {
      this.#push({ name, inside: encodesHtml ? "html" : "math" })
    } else if (name === "svg" && current?.name === "annotation-xml") this.#push({ name, inside: "svg" })
    else if (name === current?.name) this.#push({ name, inside })
    return true
  }

  end(name: string): void {
    if (this.foreign && (name === "p" || name === "br")) {
      this.#leaveForeign()
      return
    }
    for (let index = this.#open.length - 1; index >= 0; index--) {
      const open = this.#open[index]
      if (open?.name === name) {
        this.#open.length = index
        return
      }
      // Nothing in a template ends what is around it.
      if (open?.name === "template") return
    }
  }

  /** Browsers stop nesting at 512, too: a page of nothing but `<svg>` must not cost n² steps. */
  #push(open: Open): void {
    if (this.#open.length < 512) this.#open.push(open)
  }

  #leaveForeign(): void {
    while (this.foreign) this.#open.pop()
  }
}
