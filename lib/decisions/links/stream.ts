/** A document that comes in pieces, rewritten piece by piece: what is decided goes out at once. */
import type { Base } from "./base.ts"
import { CssScanner } from "./css.ts"
import { editedBytes } from "./edits.ts"
import { HtmlScanner } from "./html.ts"
import type { LinkMap } from "./link_map.ts"
import { type Edit, editOfReference } from "./reference.ts"

export interface StreamRewriter {
  /** Takes the next piece; returns what can go out. */
  write(piece: Buffer): Buffer
  /** The rest. */
  end(): Buffer
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
  let undecided: Buffer = Buffer.alloc(0)
  const take = (bytes: Buffer, last: boolean) => {
    const edits: Edit[] = []
    const decided = scan(bytes.toString("latin1"), last, edits)
    undecided = bytes.subarray(decided)
    return editedBytes(bytes, edits, decided)
  }
  return {
    write(piece) {
      if (piece.length === 0) return piece
      return take(undecided.length === 0 ? piece : Buffer.concat([undecided, piece]), false)
    },
    end: () => take(undecided, true),
  }
}
