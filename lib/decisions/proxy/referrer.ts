/**
 * Which pages are told where a request comes from: those of the same origin, always. Paths that name no backend need the
 * Referer, `Origin: null` must mean another page, and nobody outside may learn our host's name.
 */
import type { Edit } from "./edit.ts"

/** The one policy of all pages (https://www.w3.org/TR/referrer-policy/). */
export const referrerPolicy = "same-origin"

/** Edits of a `referrerpolicy`, or of the content of `<meta name=referrer>`. */
export function editsInReferrerPolicy(text: string, from: number, to: number, edits: Edit[]): void {
  if (text.slice(from, to).trim() !== "") edits.push({ from, to, text: referrerPolicy })
}

/** Edits of a `rel` that hides the page: what else `noreferrer` means stays. */
export function editsInRel(text: string, from: number, to: number, edits: Edit[]): void {
  for (const { index, 0: word } of text.slice(from, to).matchAll(/[^\t\n\f\r ]+/g)) {
    if (word.toLowerCase() !== "noreferrer") continue
    edits.push({ from: from + index, to: from + index + word.length, text: "noopener" })
  }
}
