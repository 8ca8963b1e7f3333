/** How a body is read for links, by what its backend calls it, or by its first bytes where it is called nothing. */
import type { RequestOrigin } from "./crossing.ts"
import { headerValues, type RawHeaders } from "./raw_headers.ts"

export type DocumentKind = "html" | "xml" | "css"

const kinds: Record<string, DocumentKind> = {
  "text/html": "html",
  "text/css": "css",
  "application/xhtml+xml": "xml",
  "image/svg+xml": "xml",
}

/** Names that name nothing (https://mimesniff.spec.whatwg.org/#mime-type-sniffing-algorithm). */
const unknownTypes = new Set(["unknown/unknown", "application/unknown", "*/*"])

/** Browsers show none of these, or not as pages; their bytes stay. */
const opaqueCharsets = /charset\s*=\s*["']?(?:utf-?32|iso-2022-(?!jp)|csiso2022kr|hz-gb)/i

/** With what browsers take for HTML by itself. */
const firstTags =
  "!doctype html,html,head,script,iframe,h1,div,font,table,a,style,title,b,body,br,p,!--".split(",")
/** Browsers look no further. */
export const sniffedAtMost = 512

/** What a browser makes of an answer, by Sec-Fetch-Dest and Sec-Fetch-Mode. */
export type Use =
  /** A document in a window or frame. */
  | "page"
  /** Something a script reads, be it a fragment of a page or JSON. */
  | "data"
  /** A script, a style sheet, an image … */
  | "part"
  /** No browser, or one that does not tell. */
  | "unknown"

const pageDestinations = new Set(["document", "iframe", "frame", "embed", "object", "fencedframe"])

export function useOf({ fetchDest, fetchMode }: Pick<RequestOrigin, "fetchDest" | "fetchMode">): Use {
  // A service worker asks for a page with no destination.
  if (fetchMode === "navigate") return "page"
  if (fetchDest === undefined) return "unknown"
  if (pageDestinations.has(fetchDest)) return "page"
  return fetchDest === "empty" ? "data" : "part"
}

/** Elements that begin a page and no fragment, where the browser does not tell which it is. */
const pageTags = new Set(["html", "head", "body", "title", "base", "meta"])

export function beginsPage(element: string): boolean {
  return pageTags.has(element)
}

/** Whether a text that is called HTML is JSON: then nothing in it is a link. Null where more has to come to tell. */
export function looksLikeJson(beginning: string): boolean | null {
  const start = beginning.search(/[^\t\n\f\r ]/)
  if (start < 0) return beginning.length < sniffedAtMost ? null : false
  return beginning[start] === "{" || beginning[start] === "["
}

/** Null for what passes as it is; "unknown" asks for its first bytes. Of several types the last one counts, as to browsers. */
export function documentKind(headers: RawHeaders): DocumentKind | "unknown" | null {
  // A file to keep is kept as it is.
  if (headerValues(headers, "content-disposition").some((value) => /^\s*attachment/i.test(value))) return null
  const types = headerValues(headers, "content-type")
    .flatMap((value) => value.split(","))
    .filter((type) => type.includes("/") && !unknownTypes.has(essence(type)))
  const type = types.at(-1)
  if (type === undefined) {
    const mayGuess = !headerValues(headers, "x-content-type-options").some((value) => /nosniff/i.test(value))
    return mayGuess ? "unknown" : null
  }
  return opaqueCharsets.test(type) ? null : (kinds[essence(type)] ?? null)
}

/** Whether browsers take for a page what begins so and has no type; null where more has to come to tell. */
export function looksLikeHtml(beginning: string): boolean | null {
  const start = beginning.search(/[^\t\n\f\r ]/)
  if (start < 0) return beginning.length < sniffedAtMost ? null : false
  if (beginning[start] !== "<") return false
  const tag = beginning.slice(start + 1, start + 16).toLowerCase()
  if (firstTags.some((first) => tag.startsWith(first))) return true
  return firstTags.some((first) => first.startsWith(tag)) ? null : false
}

function essence(type: string): string {
  return (type.split(";", 1)[0] as string).trim().toLowerCase()
}
