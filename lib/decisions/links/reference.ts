/**
 * One link of a page, header or style sheet: which of its bytes must change so that a browser that shows the page under the
 * proxy's path comes to the same place. Texts are Latin-1 strings: a character is a byte, whatever the page's encoding.
 */
import type { Allowed } from "./allowed.ts"
import { prefixOf, type Scheme, type Target, targetOfAuthority } from "./target.ts"

/** Replace the bytes from `from` up to `to` by `text`. */
export interface Edit {
  from: number
  to: number
  text: string
}

/** What a link is relative to. */
export interface Base {
  scheme: Scheme
  /** The prefix under which the browser sees this backend; null where a <base> points outside the proxy. */
  prefix: string | null
  /** The backend's own path of the document. */
  path: string
}

/** Turns links of one document into ours. Remembers what it decided: a page of 15,000 links names a few hundred hosts. */
export interface LinkMap {
  /** Our prefix for an absolute URL's authority; "" is our own origin, null is outside. */
  prefixFor(scheme: Scheme, authority: string): string | null
  /** The same for the http authority `text[from, to)`, whose characters add up to `sum`, without copying it. */
  prefixForHttpAt(text: string, from: number, to: number, sum: number): string | null
}

export function linkMap(allowed: Allowed, own: { target: Target; authorities: readonly string[] }): LinkMap {
  const known = { http: new Map<string, string | null>(), https: new Map<string, string | null>() }
  const decide = (scheme: Scheme, authority: string): string | null => {
    if (scheme === "http" && own.authorities.includes(authority.toLowerCase())) return ""
    const target = targetOfAuthority(scheme, authority)
    if (!target) return null
    const itself = prefixOf(target) === prefixOf(own.target)
    return itself || allowed.permits(target.host, target.port) ? prefixOf(target) : null
  }
  const recent = {
    authorities: new Array<string>(1024).fill(""),
    prefixes: new Array<string | null>(1024).fill(null),
  }
  return {
    prefixForHttpAt(text, from, to, sum) {
      const slot = sum & 1023
      const seen = recent.authorities[slot] as string
      if (seen.length === to - from && text.startsWith(seen, from))
        return recent.prefixes[slot] as string | null
      const authority = text.slice(from, to)
      recent.authorities[slot] = authority
      recent.prefixes[slot] = this.prefixFor("http", authority)
      return recent.prefixes[slot]
    },
    prefixFor(scheme, authority) {
      const decided = known[scheme]
      let prefix = decided.get(authority)
      if (prefix === undefined) {
        if (decided.size > 4096) decided.clear()
        prefix = decide(scheme, authority)
        decided.set(authority, prefix)
      }
      return prefix
    },
  }
}

/** The base of what a document at this path of a backend links to. */
export function baseOf(target: Target, prefix: string, path: string): Base {
  return { scheme: target.scheme, prefix, path: path.replace(/[?#].*$/s, "") }
}

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

/**
 * The same for `text[from, to)` where it is plainly `http://HOST:PORT/PATH` or `/PATH`, in one pass and without copies: what
 * almost all links of a large page are. Undefined where it is anything else, to be decided by `editOfReference`.
 */
export function editOfPlainReference(
  text: string,
  from: number,
  to: number,
  base: Base,
  links: LinkMap,
): Edit | null | undefined {
  const absolute = text.startsWith("http://", from)
  if (!absolute && (text.charCodeAt(from) !== 0x2f || base.prefix === null)) return undefined
  let at = absolute ? from + 7 : from
  let sum = 0
  for (; absolute && at < to; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x2f) break
    // Digits, letters, dots, hyphens and colons: nothing that could be read in two ways.
    if (code < 0x2d || code > 0x7a || (code > 0x3a && code < 0x61 && !(code >= 0x41 && code <= 0x5a)))
      return undefined
    sum = sum * 31 + code
    sum &= 0xffffff
  }
  if (at >= to || text.charCodeAt(at + 1) === 0x2f) return undefined
  const path = at
  let previous = 0
  for (; at < to; at++) {
    const code = text.charCodeAt(at)
    if (
      code <= 0x20 ||
      code === 0x26 ||
      code === 0x25 ||
      code === 0x5c ||
      (code === 0x2e && previous === 0x2e)
    ) {
      return undefined
    }
    previous = code
  }
  if (!absolute) {
    const prefix = base.prefix as string
    return isPrefixed(text, path, to, prefix) ? null : { from, to: from, text: prefix }
  }
  const prefix = links.prefixForHttpAt(text, from + 7, path, sum)
  return prefix === null ? null : prefix === "" ? undefined : { from, to: path, text: prefix }
}

/** Applies `editOfReference` to a whole value, as headers need it. */
export function rewrittenReference(url: string, base: Base, links: LinkMap): string {
  const edit = editOfReference(url, base, links)
  return edit ? url.slice(0, edit.from) + edit.text + url.slice(edit.to) : url
}

/** The base after `<base href>`; null prefix where it leads outside. */
export function baseAfter(url: string, base: Base, links: LinkMap): Base {
  let resolved: URL
  try {
    resolved = new URL(url, `${base.scheme}://base.invalid${base.path}`)
  } catch {
    return base
  }
  const scheme = resolved.protocol.slice(0, -1)
  if (resolved.host === "base.invalid") return { ...base, path: resolved.pathname }
  if (scheme !== "http" && scheme !== "https") return { ...base, prefix: null }
  const prefix = links.prefixFor(scheme, resolved.host)
  return { scheme, prefix: prefix === "" ? base.prefix : prefix, path: resolved.pathname }
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
    return { from: start, to: afterColon, text: "" }
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
  // Our own origin: the backend learned it from X-Forwarded-Host. What follows is a path of the backend.
  const ours = prefix === "" ? base.prefix : prefix
  if (ours === null) return null
  if (path === end || !isSlash(url.charCodeAt(path))) return { from: start, to: path, text: `${ours}/` }
  return editOfRooted(url, start, path, end, ours, prefix === "") ?? { from: start, to: path, text: "" }
}

/** `/path`, prefixed once; the bytes from `start` up to the path go. */
function editOfRooted(
  url: string,
  start: number,
  path: number,
  end: number,
  prefix: string,
  maybePrefixed = start === path,
): Edit | null {
  if (maybePrefixed && isPrefixed(url, path, end, prefix)) return null
  const climbed = withoutClimbing(url.slice(path, end), 0)
  if (climbed !== null) return { from: start, to: end, text: prefix + climbed }
  return { from: start, to: path, text: prefix }
}

/** Backends that heed X-Forwarded-Context or -Prefix have put the prefix there themselves. */
function isPrefixed(url: string, path: number, end: number, prefix: string): boolean {
  if (!url.startsWith(prefix, path)) return false
  const next = path + prefix.length
  return next >= end || "/?#".includes(url[next] as string)
}

/** A relative reference stays, unless its `..` climb past the backend's root: there browsers stop, here they would not. */
function editOfRelative(url: string, start: number, end: number, base: Base): Edit | null {
  if (base.prefix === null) return null
  const text = url.slice(start, end)
  if (!mayClimb(text)) return null
  const directories = base.path.split("/").length - 2
  const climbed = withoutClimbing(`/${text}`, directories)
  return climbed === null ? null : { from: start, to: end, text: base.prefix + climbed }
}

function mayClimb(text: string): boolean {
  return text.includes("..") || (text.includes("%2") && /%2e/i.test(text))
}

/**
 * A path without those `..` that would climb above the root, `depth` directories up; null where none does. With them gone
 * nothing of the base is left either, so the result is a path from the root.
 */
function withoutClimbing(path: string, depth: number): string | null {
  if (!mayClimb(path)) return null
  const pathEnd = path.search(/[?#]/)
  const [own, rest] = pathEnd < 0 ? [path, ""] : [path.slice(0, pathEnd), path.slice(pathEnd)]
  const kept: string[] = []
  let above = depth
  let climbs = false
  const segments = own.split(/[/\\]/).slice(1)
  for (const [index, segment] of segments.entries()) {
    if (!/^(?:\.|%2e){2}$/i.test(segment)) {
      if (!/^(?:\.|%2e)$/i.test(segment)) kept.push(segment)
      else if (index === segments.length - 1) kept.push("")
      continue
    }
    if (kept.length > 0) kept.pop()
    else if (above > 0) above--
    else climbs = true
    if (index === segments.length - 1) kept.push("")
  }
  return climbs ? `/${kept.join("/")}${rest}` : null
}
