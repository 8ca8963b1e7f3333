/** The URLs of a page's elements, relative to the base that the page names on its way. */
import { attributeAt } from "./attribute_text.ts"
import { type AttributeKind, kindOfAttribute } from "./attributes.ts"
import { type Base, baseAfter } from "./base.ts"
import { isSpaceOrSlash } from "./characters.ts"
import { CssScanner } from "./css.ts"
import type { Edit } from "./edit.ts"
import { type EditFinder, editInAttribute, editsInAttribute } from "./edits.ts"
import type { LinkMap } from "./link_map.ts"
import { rewrittenPolicy } from "./policy.ts"
import { editOfReference } from "./reference.ts"
import { editsInReferrerPolicy, editsInRel } from "./referrer.ts"
import { editsInImportMap, editsInList, editsInRefresh, editsInSrcset } from "./values.ts"

/** Of a long URL its head decides. */
const headAtMost = 4096

export interface PageFacts {
  links: LinkMap
  base: Base
  /** Our own origin, as policies in <meta> name it. */
  ownOrigin: string
}

export class ElementUrls {
  base: Base
  #baseSeen = false
  readonly editOf = (url: string) => editOfReference(url, this.base, this.facts.links)

  /** `editsInPage` finds those of a page inside this one, in `srcdoc`. */
  constructor(
    readonly facts: PageFacts,
    readonly editsInPage: EditFinder,
  ) {
    this.base = facts.base
  }

  /** The attribute's value is `text[from, to)`; names are in lower case. */
  attribute(element: string, attribute: string, text: string, from: number, to: number, edits: Edit[]): void {
    if (element === "base" && attribute === "href" && !this.#baseSeen) {
      this.#baseHref(text, from, to, edits)
      return
    }
    const kind = kindOfAttribute(element, attribute)
    if (kind && from < to) this.edit(kind, text, from, to, edits)
  }

  /** What is found in an attribute's value, or in the text of an element. */
  edit(kind: AttributeKind | "importmap", text: string, from: number, to: number, edits: Edit[]): void {
    if (kind === "url") {
      const first = text.charCodeAt(from)
      // A fragment or a query alone stays, and data: has no place.
      if (first === 0x23 || first === 0x3f || text.startsWith("data:", from)) return
      editInAttribute(text, from, to, edits, this.editOf)
      return
    }
    if (kind === "importmap") {
      editsInImportMap(text, from, to, this.editOf, edits)
      return
    }
    editsInAttribute(text, from, to, edits, (value, start, end, found) => {
      if (kind === "srcset") editsInSrcset(value, this.editOf, found)
      else if (kind === "list") editsInList(value, this.editOf, found)
      else if (kind === "referrer policy") editsInReferrerPolicy(value, start, end, found)
      else if (kind === "rel") editsInRel(value, start, end, found)
      else if (kind === "css") new CssScanner(this.editOf).scan(value, start, end, true, found)
      else this.editsInPage(value, start, end, found)
    })
  }

  /** A value of which only the beginning is there, from `from` on. */
  longValue(element: string, attribute: string, text: string, from: number, edits: Edit[]): void {
    if (kindOfAttribute(element, attribute) !== "url") return
    const found: Edit[] = []
    const to = from + headAtMost
    this.edit("url", text, from, Math.min(text.length, to), found)
    edits.push(...found.filter((edit) => edit.to < to))
  }

  /**
   * Which attribute of a <meta> is a URL depends on another one, so it is read as a whole, from behind its name on. False
   * where its end is not there.
   */
  meta(text: string, from: number, edits: Edit[]): boolean {
    const values = new Map<string, { from: number; to: number }>()
    let at = from
    for (;;) {
      while (at < text.length && isSpaceOrSlash(text.charCodeAt(at))) at++
      if (at >= text.length) return false
      if (text.charCodeAt(at) === 0x3e) break
      const { name, valueFrom, valueTo, end } = attributeAt(text, at, 0)
      if (end === null) return false
      if (valueFrom !== null && !values.has(name)) values.set(name, { from: valueFrom, to: valueTo })
      at = end
    }
    const content = values.get("content")
    const equiv = values.get("http-equiv")
    const name = values.get("name")
    if (content && name && text.slice(name.from, name.to).trim().toLowerCase() === "referrer") {
      editsInReferrerPolicy(text, content.from, content.to, edits)
      return true
    }
    if (!content || !equiv) return true
    const what = text.slice(equiv.from, equiv.to).trim().toLowerCase()
    if (what === "refresh") {
      editsInAttribute(text, content.from, content.to, edits, (value, _from, _to, found) =>
        editsInRefresh(value, this.editOf, found),
      )
    } else if (what.startsWith("content-security-policy")) {
      editsInAttribute(text, content.from, content.to, edits, (value, start, end, found) => {
        const policy = rewrittenPolicy(value, this.base, this.facts.links, this.facts.ownOrigin)
        if (policy !== value) found.push({ from: start, to: end, text: policy })
      })
    }
    return true
  }

  #baseHref(text: string, from: number, to: number, edits: Edit[]): void {
    this.#baseSeen = true
    const { base: before, facts } = this
    editsInAttribute(text, from, to, edits, (value) => {
      this.base = baseAfter(value, before, facts.links, facts.ownOrigin)
    })
    editInAttribute(text, from, to, edits, (value) => editOfReference(value, before, facts.links))
  }
}
