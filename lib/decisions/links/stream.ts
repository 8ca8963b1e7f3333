/** A document that comes in pieces, rewritten piece by piece: what is decided goes out at once. */
import { CssScanner } from "./css.ts"
import { applyEdits } from "./edits.ts"
import { HtmlScanner } from "./html.ts"
import { type Base, type Edit, editOfReference, type LinkMap } from "./reference.ts"

export interface StreamRewriter {
  /** Takes the next piece, in Latin-1; returns what can go out. */
  write(piece: string): string
  /** The rest. */
  end(): string
}

export interface DocumentOptions {
  kind: "html" | "xml" | "css"
  base: Base
  links: LinkMap
  ownOrigin: string
  /** A tag to put into HTML pages. */
  shim?: string
}

export function rewriterFor({ kind, base, links, ownOrigin, shim }: DocumentOptions): StreamRewriter {
  if (kind === "css") {
    const css = new CssScanner((url) => editOfReference(url, base, links))
    return rewriterOf((text, last, edits) => css.scan(text, 0, text.length, last, edits))
  }
  const html = new HtmlScanner({ links, base, ownOrigin, xml: kind === "xml", ...(shim ? { shim } : {}) })
  return rewriterOf((text, last, edits) => html.scan(text, 0, last, edits))
}

function rewriterOf(scan: (text: string, last: boolean, edits: Edit[]) => number): StreamRewriter {
  let undecided = ""
  const take = (text: string, last: boolean) => {
    const edits: Edit[] = []
    const decided = scan(text, last, edits)
    undecided = text.slice(decided)
    return applyEdits(text, edits, 0, decided)
  }
  return {
    write: (piece) => (piece === "" ? "" : take(undecided === "" ? piece : undecided + piece, false)),
    end: () => take(undecided, true),
  }
}
