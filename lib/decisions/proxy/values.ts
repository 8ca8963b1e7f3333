/** Attribute values that hold more than one URL, or a URL among other things. */
import type { Edit } from "./edit.ts"

type ReferenceEdit = (url: string) => Edit | null

/** `srcset`, `imagesrcset`: https://html.spec.whatwg.org/#parsing-a-srcset-attribute */
export function editsInSrcset(text: string, editOf: ReferenceEdit, edits: Edit[]): void {
  let at = 0
  while (at < text.length) {
    while (at < text.length && /[\t\n\f\r ,]/.test(text[at] as string)) at++
    const start = at
    while (at < text.length && !/[\t\n\f\r ]/.test(text[at] as string)) at++
    let end = at
    while (end > start && text[end - 1] === ",") end--
    addEdit(text, start, end, editOf, edits)
    if (end === at) at = descriptorsEnd(text, at)
  }
}

/** `ping`, `archive`: URLs with spaces between. */
export function editsInList(text: string, editOf: ReferenceEdit, edits: Edit[]): void {
  for (const { index, 0: url } of text.matchAll(/[^\t\n\f\r ]+/g)) {
    addEdit(text, index, index + url.length, editOf, edits)
  }
}

/** `<meta http-equiv=refresh content>` and the Refresh header: `5; url='…'`. */
export function editsInRefresh(text: string, editOf: ReferenceEdit, edits: Edit[]): void {
  // Each run of spaces is matched by one star alone: with two side by side, a page of spaces would take cubic time.
  const time = /^[\t\n\f\r ]*[\d.]+/.exec(text)
  const space = "[\\t\\n\\f\\r ]"
  const rest = text.slice(time?.[0].length)
  const parts = new RegExp(
    `^(?:${space}+(?:[;,]${space}*)?|[;,]${space}*)(?:url${space}*=${space}*)?(["']?)`,
    "i",
  ).exec(rest)
  if (!time || !parts) return
  const start = time[0].length + parts[0].length
  const close = parts[1] ? text.indexOf(parts[1], start) : -1
  addEdit(text, start, close < 0 ? text.length : close, editOf, edits)
}

/**
 * The addresses and scopes of an import map, `text[from, to)`; what scripts import by a path stays, as it does in them. Text that
 * is not closed is matched up to the end, or a map of nothing but `\\"` would take n² steps.
 */
export function editsInImportMap(
  text: string,
  from: number,
  to: number,
  editOf: ReferenceEdit,
  edits: Edit[],
): void {
  const strings = /"((?:[^"\\]|\\[\s\S])*)(?:"(?=(\s*:\s*[^\s{])?)|\\?$)/g
  for (const { index, 0: whole, 1: url = "", 2: ofAddress } of text.slice(from, to).matchAll(strings)) {
    if (ofAddress !== undefined || url.includes("\\") || whole.length < url.length + 2) continue
    addEdit(text, from + index + 1, from + index + 1 + url.length, editOf, edits)
  }
}

function addEdit(text: string, from: number, to: number, editOf: ReferenceEdit, edits: Edit[]): void {
  const edit = from < to ? editOf(text.slice(from, to)) : null
  if (edit) edits.push({ from: from + edit.from, to: from + edit.to, text: edit.text })
}

function descriptorsEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === "(") depth++
    else if (text[at] === ")") depth = Math.max(0, depth - 1)
    else if (text[at] === "," && depth === 0) return at + 1
  }
  return text.length
}
