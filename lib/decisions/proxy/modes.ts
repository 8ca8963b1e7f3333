/** How the text behind a tag is read: as markup, or as what its element makes of it. */
import { CssScanner, type ReferenceEdit } from "./css.ts"
import type { DeclarationMode } from "./declarations.ts"
import type { Tag } from "./foreign.ts"

export type Mode =
  | DeclarationMode
  | { kind: "tag" }
  | { kind: "value"; quote: string }
  | { kind: "raw"; name: string }
  | { kind: "script" | "importmap" | "noscript" | "plaintext" }
  | StyleMode

/** What is read otherwise than as tags and the text between them. */
export type ContentMode = Exclude<Mode, { kind: "data" | "tag" | "value" }>

export interface StyleMode {
  kind: "style"
  css: CssScanner
  /** SVG's in a page, whose text ends at any tag. */
  markup: boolean
  /** In SVG and XML it may hold character references, and is waited for. */
  references: boolean
}

const rawTextElements = new Set(["xmp", "iframe", "noembed", "noframes", "textarea", "title"])

/** What a start tag makes of the text behind it, where that is no markup. */
export function modeBehind(
  { name, importMap }: Tag,
  markup: "html" | "svg" | "xml",
  editOf: ReferenceEdit,
): Mode | null {
  const local = markup === "xml" ? name.slice(name.indexOf(":") + 1) : name
  if (local === "style") {
    const css = new CssScanner(editOf)
    return { kind: "style", css, markup: markup === "svg", references: markup !== "html" }
  }
  if (markup !== "html") return null
  if (name === "script") return { kind: importMap ? "importmap" : "script" }
  if (name === "noscript" || name === "plaintext") return { kind: name }
  return rawTextElements.has(name) ? { kind: "raw", name } : null
}
