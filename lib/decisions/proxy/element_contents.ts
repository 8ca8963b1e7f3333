/** What is no markup although it stands between tags: comments, scripts, style sheets, and what they say of our URLs. */

import type { Edit } from "./edit.ts"
import type { ElementUrls } from "./element_urls.ts"
import type { ContentMode, Mode, StyleMode } from "./modes.ts"
import { anyTagOf, endOf, endOfComment, endOfScript, endTagOf, type Reach } from "./raw_text.ts"

/** Look-ahead: what is longer than this is left as it is, except that the head of a single URL is still seen. */
export const heldAtMost = 64 * 1024

/** Where to go on, and as what. */
export interface ContentStep {
  at: number
  mode: Mode
}

export class ElementContents {
  /** How much of an undecided `<noscript>` has been searched for its end: without it, slow writers cost n² steps. */
  #searched = 0
  #longNoscript = false

  constructor(readonly urls: ElementUrls) {}

  /** Whether a `<noscript>` did not end in time: others are not waited for then, or a page of nothing else would cost n² steps. */
  get longNoscript(): boolean {
    return this.#longNoscript
  }

  /** Goes to the end of it, or as far as it is decided; null when more text is needed. */
  step(mode: ContentMode, text: string, at: number, last: boolean, edits: Edit[]): ContentStep | null {
    switch (mode.kind) {
      case "comment":
        return upTo(endOfComment(text, at), mode, text, at, last)
      case "until":
        return upTo(endOf(text, at, mode.end), mode, text, at, last)
      case "raw":
        return upTo(endTagOf(text, at, mode.name), mode, text, at, last)
      case "script":
        return upTo(endOfScript(text, at, heldAtMost), mode, text, at, last)
      case "importmap":
        return this.#importMap(text, at, last, edits)
      case "style":
        return this.#style(text, at, mode, last, edits)
      case "noscript":
        return this.#noscript(text, at, last, edits)
      case "plaintext":
        return { at: text.length, mode }
    }
  }

  #style(text: string, from: number, mode: StyleMode, last: boolean, edits: Edit[]): ContentStep | null {
    const { css, markup, references } = mode
    const end = markup ? anyTagOf(text, from) : endTagOf(text, from, "style")
    if (last && !end.found) end.at = text.length
    if (references) {
      const whole = end.found || last
      if (!whole && text.length - from < heldAtMost) return null
      mode.references = false
      if (whole && !text.slice(from, end.at).includes("<![CDATA[")) {
        this.urls.edit("css", text, from, end.at, edits)
        return upTo(end, mode, text, from, last)
      }
    }
    // Cut off behind its end: nothing of what follows is to be looked at for each of many small ones.
    const decided = css.scan(text.slice(0, end.at), from, end.at, end.found || last, edits)
    return upTo({ found: end.found, at: end.found ? end.at : decided }, mode, text, from, last)
  }

  #importMap(text: string, from: number, last: boolean, edits: Edit[]): ContentStep | null {
    const end = endTagOf(text, from, "script")
    if (!end.found && !last && text.length - from < heldAtMost) return null
    const script: Mode = { kind: "script" }
    if (!end.found) return { at: from, mode: script }
    this.urls.edit("importmap", text, from, end.at, edits)
    return { at: end.at, mode: script }
  }

  /** Browsers that run scripts take this as text up to its end tag; what is inside is rewritten for all others. */
  #noscript(text: string, from: number, last: boolean, edits: Edit[]): ContentStep | null {
    const end = endTagOf(text, Math.max(from, from + this.#searched - 16), "noscript")
    if (!end.found && !last && text.length - from < heldAtMost) {
      this.#searched = text.length - from
      return null
    }
    this.#searched = 0
    if (!end.found) {
      this.#longNoscript = true
      return { at: from, mode: data }
    }
    this.urls.editsInPage(text, from, end.at, edits)
    return { at: end.at, mode: data }
  }
}

const data: Mode = { kind: "data" }

/** Null where that is no step. */
function upTo(
  { found, at }: Reach,
  mode: Mode,
  text: string,
  from: number,
  last: boolean,
): ContentStep | null {
  if (found) return { at, mode: data }
  if (last) return { at: text.length, mode }
  return at > from ? { at, mode } : null
}
