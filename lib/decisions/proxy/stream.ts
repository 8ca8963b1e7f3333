/** A document that comes in pieces, rewritten piece by piece: what is decided goes out at once. */
import type { Base } from "./base.ts"
import { type DocumentKind, looksLikeHtml, looksLikeJson, sniffedAtMost, type Use } from "./content_type.ts"
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
  kind: DocumentKind | "unknown"
  base: Base
  links: LinkMap
  ownOrigin: string
  use: Use
  /** A tag to put into HTML pages. */
  shim?: string
}

export function rewriterFor(options: DocumentOptions): StreamRewriter {
  const { kind, base, links, ownOrigin, use, shim } = options
  if (kind === "unknown") {
    return rewriterWhere(looksLikeHtml, () => rewriterFor({ ...options, kind: "html" }))
  }
  if (kind === "css") {
    const css = new CssScanner((url) => editOfReference(url, base, links))
    return rewriterOf((text, last, edits) => css.scan(text, 0, text.length, last, edits))
  }
  const isPage = use === "page"
  const mayHaveShim = shim !== undefined && (isPage || use === "unknown")
  const html = new HtmlScanner({
    links,
    base,
    ownOrigin,
    xml: kind === "xml",
    ...(mayHaveShim ? { shim, surelyPage: isPage } : {}),
  })
  const rewriter = rewriterOf((text, last, edits) => html.scan(text, 0, last, edits))
  return isPage
    ? rewriter
    : rewriterWhere(
        (text) => negated(looksLikeJson(text)),
        () => rewriter,
      )
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

const negated = (answer: boolean | null) => (answer === null ? null : !answer)

/** Holds the first bytes until they tell whether this is to be rewritten at all. */
function rewriterWhere(
  isDocument: (beginning: string) => boolean | null,
  rewriter: () => StreamRewriter,
): StreamRewriter {
  let undecided: Buffer = Buffer.alloc(0)
  let chosen: StreamRewriter | null = null
  return {
    write(piece) {
      if (chosen) return chosen.write(piece)
      undecided = Buffer.concat([undecided, piece])
      const decided = isDocument(undecided.toString("latin1", 0, sniffedAtMost))
      if (decided === null) return Buffer.alloc(0)
      chosen = decided ? rewriter() : asItCame
      return chosen.write(undecided)
    },
    end: () => (chosen ? chosen.end() : undecided),
  }
}

const asItCame: StreamRewriter = { write: (piece) => piece, end: () => Buffer.alloc(0) }
