/**
 * One link of a page, header or style sheet: which of its bytes must change so that a browser that shows the page under the
 * proxy's path comes to the same place. Texts are Latin-1 strings: a character is a byte, whatever the page's encoding.
 */
import type { Base } from "./base.ts"
import type { Edit } from "./edit.ts"
import type { LinkMap } from "./link_map.ts"
import { editOfRelative, editOfRooted } from "./paths.ts"
import type { Scheme } from "./target.ts"

const space = 0x20
const isSlash = (code: number) => code === 0x2f || code === 0x5c

/** The edit that a URL reference needs, as browsers read it (https://url.spec.whatwg.org/), or null. */
export function editOfReference(url: string, base: Base, links: LinkMap): Edit | null {
  let start = 0
  while (start < url.length && url.charCodeAt(start) <= space) start++
  let end = url.length
  while (end > start && url.charCodeAt(end - 1) <= space) end--
  if (/[\t\n\r]/.test(url)) return editWithoutBreaks(url, start, end, base, links)
  return editOfTrimmed(url, start, end, base, links)
}

/** Applies `editOfReference` to a whole value, as headers need it. */
export function rewrittenReference(url: string, base: Base, links: LinkMap): string {
  const edit = editOfReference(url, base, links)
  return edit ? url.slice(0, edit.from) + edit.text + url.slice(edit.to) : url
}

/** Tabs and line breaks inside a URL mean nothing to a browser: decide without them, edit the text with them. */
function editWithoutBreaks(url: string, start: number, end: number, base: Base, links: LinkMap): Edit | null {
  const positions: number[] = []
  let text = ""
  for (let i = start; i < end; i++) {
    const char = url[i] as string
    if (char === "\t" || char === "\n" || char === "\r") continue
    positions.push(i)
    text += char
  }
  const edit = editOfTrimmed(text, 0, text.length, base, links)
  return edit && { from: positions[edit.from] ?? end, to: positions[edit.to] ?? end, text: edit.text }
}

function editOfTrimmed(url: string, start: number, end: number, base: Base, links: LinkMap): Edit | null {
  if (start === end) return null
  if (isSlash(url.charCodeAt(start))) {
    if (start + 1 < end && isSlash(url.charCodeAt(start + 1))) {
      return editOfAbsolute(url, start, start + 2, end, base.scheme, base, links)
    }
    return base.prefix === null ? null : editOfRooted(url, start, start, end, base.prefix)
  }
  const scheme = schemeAt(url, start)
  if (scheme === null) return editOfRelative(url, start, end, base)
  if (scheme !== "http" && scheme !== "https") return null
  const afterColon = start + scheme.length + 1
  const slashes =
    (isSlash(url.charCodeAt(afterColon)) ? 1 : 0) + (isSlash(url.charCodeAt(afterColon + 1)) ? 1 : 0)
  // `http:x` on an http page is relative, and `http:/x` is `/x`.
  if (scheme === base.scheme && !(slashes === 2 && isSlash(url.charCodeAt(afterColon)))) {
    if (base.prefix === null) return null
    if (isSlash(url.charCodeAt(afterColon))) return editOfRooted(url, start, afterColon, end, base.prefix)
    const climbing = editOfRelative(url, afterColon, end, base)
    if (climbing) return { ...climbing, from: start }
    // We speak http ourselves. Nothing in its place could make an attribute without quotes take the next one for its value.
    return scheme === "http" ? null : { from: start, to: afterColon, text: "http:" }
  }
  return editOfAbsolute(url, start, afterColon, end, scheme, base, links)
}

/** `SCHEME:` at this place in lower case, without the colon; null where there is none. */
function schemeAt(url: string, start: number): string | null {
  for (let i = start; i < url.length; i++) {
    const code = url.charCodeAt(i) | 0x20
    if (code >= 0x61 && code <= 0x7a) continue
    if (url[i] === ":") return i === start ? null : url.slice(start, i).toLowerCase()
    const char = url[i] as string
    if (i === start || !((char >= "0" && char <= "9") || char === "+" || char === "." || char === "-"))
      return null
  }
  return null
}

/** A URL with an authority, which begins at or after `from` behind any number of slashes. */
function editOfAbsolute(
  url: string,
  start: number,
  from: number,
  end: number,
  scheme: Scheme,
  base: Base,
  links: LinkMap,
): Edit | null {
  let authority = from
  while (authority < end && isSlash(url.charCodeAt(authority))) authority++
  let path = authority
  while (path < end && !isSlash(url.charCodeAt(path)) && url[path] !== "?" && url[path] !== "#") path++
  const prefix = links.prefixFor(scheme, url.slice(authority, path))
  if (prefix === null) return null
  // Our own origin: what follows is a path of the backend.
  const shown = prefix === "" && !links.byName ? base.prefix : prefix
  if (shown === null) return null
  const ours = base.origin + shown
  if (path === end || !isSlash(url.charCodeAt(path))) return { from: start, to: path, text: `${ours}/` }
  return (
    editOfRooted(url, start, path, end, ours, prefix === "") ?? { from: start, to: path, text: base.origin }
  )
}
