/** Text that is no markup: where comments, scripts and the like end (https://html.spec.whatwg.org/#tokenization). */
import { endsTagName, isLetter } from "./characters.ts"

/** How far something reaches: it ends at `at`, or is not over and decided up to there. */
export interface Reach {
  found: boolean
  at: number
}

/** Behind a comment that began before `from`. */
export function endOfComment(text: string, from: number): Reach {
  const end = /--!?>/g
  end.lastIndex = from
  return end.exec(text) ? { found: true, at: end.lastIndex } : { found: false, at: text.length - 3 }
}

/** Behind the next `end`. */
export function endOf(text: string, from: number, end: string): Reach {
  const at = text.indexOf(end, from)
  return at >= 0 ? { found: true, at: at + end.length } : { found: false, at: text.length - end.length + 1 }
}

/** Where `</name` stands that ends raw text, else up to where none can begin. */
export function endTagOf(text: string, from: number, name: string): Reach {
  for (let at = text.indexOf("</", from); at >= 0; at = text.indexOf("</", at + 2)) {
    const end = at + 2 + name.length
    if (text.slice(at + 2, end).toLowerCase() === name.slice(0, text.length - at - 2)) {
      if (end >= text.length) return { found: false, at }
      if (endsTagName(text.charCodeAt(end))) return { found: true, at }
    }
  }
  return { found: false, at: text.endsWith("<") ? Math.max(from, text.length - 1) : text.length }
}

/** Where the next tag or comment begins, else up to where none can. */
export function anyTagOf(text: string, from: number): Reach {
  for (let at = text.indexOf("<", from); at >= 0; at = text.indexOf("<", at + 1)) {
    if (at + 3 >= text.length) return { found: false, at }
    if (isLetter(text.charCodeAt(at + 1)) || text[at + 1] === "/" || text.startsWith("<!--", at))
      return { found: true, at }
  }
  return { found: false, at: text.length }
}

/** Scripts end at their end tag, but not inside `<!-- <script>` … `</script> -->`; `heldAtMost` bounds what such a one may take. */
export function endOfScript(text: string, from: number, heldAtMost: number): Reach {
  let at = from
  let end = endTagOf(text, at, "script")
  for (;;) {
    if (end.found && end.at < at) end = endTagOf(text, at, "script")
    const opening = text.indexOf("<!--", at)
    if (opening < 0 || opening > end.at) {
      if (end.found) return end
      return { found: false, at: Math.max(at, opening < 0 ? Math.min(end.at, text.length - 3) : end.at) }
    }
    const closed = afterEscapedScript(text, opening)
    if (closed === null) return { found: false, at: text.length - from > heldAtMost ? text.length : opening }
    if (closed.ends) return { found: true, at: closed.at }
    at = closed.at
  }
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
