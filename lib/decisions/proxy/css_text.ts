/** Strings, bare URLs and escapes of style sheets (https://www.w3.org/TR/css-syntax-3/#tokenization). */

import { isNameCode } from "./characters.ts"

/** An escape outside of strings, where none hides a line break; a hexadecimal one takes the space behind it along. */
const escapeText = String.raw`\\(?:[\da-f]{1,6}(?:\r\n|[\t\n\f\r ])?|[^\n\f\r\da-f])`

const bareUrl = new RegExp(String.raw`(?:[^\\)"'(\t\n\f\r ]|${escapeText})*`, "iy")
const badUrl = /(?:[^\\)]|\\[\s\S])*\)/y

const nameText = new RegExp(String.raw`[@#]?(?:[\w\x80-\xff-]|${escapeText})+`, "iy")

/** The name at this place, escapes and all, with what makes it a rule or a hash; "" where there is none. */
export function nameAt(text: string, start: number): string {
  return text.slice(start, endOf(nameText, text, start) ?? start)
}

/** Where the name begins that reaches to `end`, none of whose characters is an escape; not before `from`. */
export function nameStart(text: string, from: number, end: number): number {
  let at = end
  while (at > from && isNameCode(text.charCodeAt(at - 1))) at--
  return at > from && text[at - 1] === "#" ? at - 1 : at
}

/** Behind a URL without quotes. */
export function endOfBareUrl(text: string, from: number): number {
  return endOf(bareUrl, text, from) ?? from
}

/** Behind the bracket of what would be a URL but for something that none may hold; null where there is none. */
export function endOfBadUrl(text: string, from: number): number | null {
  return endOf(badUrl, text, from)
}

/** Where the string that `from` is inside of ends: its quote, or the line break that breaks it off. */
export function stringEnd(text: string, from: number, to: number, quote: string): number | null {
  for (let at = from; at < to; at++) {
    const char = text[at]
    if (char === "\\") at = endOfEscapeInString(text, at) - 1
    else if (char === quote || char === "\n" || char === "\f" || char === "\r") return at
  }
  return null
}

/** What escapes stand for, and where each character of that begins in the source. */
export function withoutEscapes(source: string): { url: string; positions: number[] } {
  const positions: number[] = []
  let url = ""
  let cursor = 0
  const parts = /\\(?:([\da-f]{1,6})(?:\r\n|[\t\n\f\r ])?|(\r\n|[\n\f\r])|([\s\S]))|([\s\S])/gi
  for (const [whole, hex, lineBreak, escaped, plain] of source.matchAll(parts)) {
    const code = hex === undefined ? null : Number.parseInt(hex, 16)
    const char =
      code === null ? (escaped ?? plain) : code === 0 || code > 0x7f ? "\u00ff" : String.fromCharCode(code)
    if (lineBreak === undefined && char !== undefined) {
      positions.push(cursor)
      url += char
    }
    cursor += whole.length
  }
  positions.push(source.length)
  return { url, positions }
}

const escapeInString = /\\(?:[\da-f]{1,6}(?:\r\n|[\t\n\f\r ])?|\r\n|[\s\S]|$)/iy

function endOfEscapeInString(text: string, at: number): number {
  return endOf(escapeInString, text, at) ?? at + 1
}

function endOf(pattern: RegExp, text: string, from: number): number | null {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : null
}
