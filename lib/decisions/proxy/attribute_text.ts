/** Where an attribute begins and ends, and the names of tags and attributes. */
import { endsAttributeName, isSpace } from "./characters.ts"
import { ownCopy } from "./link_map.ts"

export interface AttributeText {
  name: string
  quote: string
  /** Null where it has no value. */
  valueFrom: number | null
  valueTo: number
  /** Null while its end is not there. */
  end: number | null
}

/** The attribute whose name begins at `start`; the search for a quoted value's end begins at `searchFrom`. */
export function attributeAt(text: string, start: number, searchFrom: number): AttributeText {
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
  const name = attributeNameAt(text, start, nameEnd)
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

/** Where the value goes on to that began before `from`: behind its quote, or at what ends one without; null where it does not end. */
export function endOfValue(text: string, from: number, quote: string): number | null {
  let end = from
  if (quote !== "") end = text.indexOf(quote, from)
  else while (end < text.length && !isSpace(text.charCodeAt(end)) && text.charCodeAt(end) !== 0x3e) end++
  return end < 0 || end >= text.length ? null : end + quote.length
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
export function attributeNameAt(text: string, start: number, end: number): string {
  const slot = (text.charCodeAt(start) * 7 + text.charCodeAt(end - 1) * 31 + (end - start)) & 255
  const known = names[slot] as string
  if (known.length === end - start && text.startsWith(known, start)) return known
  const name = text.slice(start, end).toLowerCase()
  if (name.length < 32) names[slot] = ownCopy(name)
  return name
}
