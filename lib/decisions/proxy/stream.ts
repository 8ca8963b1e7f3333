/** A document that comes in pieces, rewritten piece by piece: what is decided goes out at once. */
import type { Base } from "./base.ts"
import { type Charset, charsetOfMark, namesIso2022Jp, type UnitReader, unitReader } from "./charsets.ts"
import { type DocumentKind, looksLikeHtml, looksLikeJson, sniffedAtMost, type Use } from "./content_type.ts"
import { CssScanner } from "./css.ts"
import type { Edit } from "./edit.ts"
import { editedBytes } from "./edits.ts"
import { HtmlScanner } from "./html.ts"
import type { LinkMap } from "./link_map.ts"
import { editOfReference } from "./reference.ts"

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
  /** The encoding that its headers name, where its bytes cannot be read as ASCII. */
  charset: Charset | null
  /** A tag to put into HTML pages. */
  shim?: string
}

export function rewriterFor(options: DocumentOptions): StreamRewriter {
  let chosen: StreamRewriter | null = null
  let first: Buffer = Buffer.alloc(0)
  const choose = () => {
    chosen = rewriterIn(options, charsetOfMark(first) ?? options.charset)
    return chosen
  }
  return {
    write(piece) {
      if (chosen) return chosen.write(piece)
      first = first.length === 0 ? piece : Buffer.concat([first, piece])
      // Half a byte order mark tells nothing yet.
      if (first.length === 0 || (first.length === 1 && (first[0] as number) >= 0xfe)) return Buffer.alloc(0)
      return choose().write(first)
    },
    end() {
      if (chosen) return chosen.end()
      const rewriter = choose()
      return Buffer.concat([rewriter.write(first), rewriter.end()])
    },
  }
}

function rewriterIn(options: DocumentOptions, charset: Charset | null): StreamRewriter {
  const { kind, base, links, ownOrigin, use, shim } = options
  if (kind === "unknown") {
    return rewriterWhere(looksLikeHtml, () => rewriterIn({ ...options, kind: "html" }, charset))
  }
  if (kind === "css") {
    const css = new CssScanner((url) => editOfReference(url, base, links))
    return rewriterOf((text, last, edits) => css.scan(text, 0, text.length, last, edits), charset)
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
  const rewriter = rewriterOf((text, last, edits) => html.scan(text, 0, last, edits), charset)
  return isPage
    ? rewriter
    : rewriterWhere(
        (text) => negated(looksLikeJson(text)),
        () => rewriter,
      )
}

type Scan = (text: string, last: boolean, edits: Edit[]) => number

function rewriterOf(scan: Scan, charset: Charset | null): StreamRewriter {
  if (charset) return rewriterOfUnits(scan, unitReader(charset))
  let undecided: Buffer = Buffer.alloc(0)
  let seen = ""
  /** Once an escape sequence came in a page that calls itself ISO-2022-JP. */
  let escaped: StreamRewriter | null = null
  const take = (bytes: Buffer, last: boolean) => {
    const edits: Edit[] = []
    const text = bytes.toString("latin1")
    const decided = scan(text, last, edits)
    undecided = bytes.subarray(decided)
    return editedBytes(bytes, text, edits, decided)
  }
  return {
    write(piece) {
      if (piece.length === 0) return piece
      if (escaped) return escaped.write(piece)
      if (seen.length < metaWithin) seen += piece.toString("latin1", 0, metaWithin - seen.length)
      const bytes = undecided.length === 0 ? piece : Buffer.concat([undecided, piece])
      if (!piece.includes(0x1b) || !namesIso2022Jp(seen)) return take(bytes, false)
      escaped = rewriterOfUnits(scan, unitReader("iso-2022-jp"))
      return escaped.write(bytes)
    },
    end: () => (escaped ? escaped.end() : take(undecided, true)),
  }
}

/** Browsers look so far for a page's encoding. */
const metaWithin = 1024

/** Where a character of the scanned text is not simply a byte. */
function rewriterOfUnits(scan: Scan, reader: UnitReader): StreamRewriter {
  let bytes: Buffer = Buffer.alloc(0)
  let text = ""
  const take = (last: boolean): Buffer => {
    const edits: Edit[] = []
    const decided = scan(text, last, edits)
    const end = last ? bytes.length : decided * reader.size
    const out: Buffer[] = []
    let at = 0
    for (const edit of edits) {
      const encoded = reader.encode(edit.text)
      if (!encoded) continue
      out.push(bytes.subarray(at, edit.from * reader.size), encoded)
      at = edit.to * reader.size
    }
    out.push(bytes.subarray(at, end))
    bytes = bytes.subarray(end)
    text = text.slice(decided)
    return Buffer.concat(out)
  }
  return {
    write(piece) {
      bytes = Buffer.concat([bytes, piece])
      text += reader.read(piece)
      return take(false)
    },
    end: () => take(true),
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
