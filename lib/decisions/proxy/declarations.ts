/** What begins with `<!` or `<?`: comments, doctypes, CDATA, processing instructions, and nonsense up to the next bracket. */

/** How the text behind is read. */
export type DeclarationMode = { kind: "data" } | { kind: "comment" } | { kind: "until"; end: string }

export interface CssDeclaration {
  at: number
  mode: DeclarationMode
  /** The URL of the style sheet that an XML file names. */
  sheet?: { from: number; to: number }
}

export interface DeclarationFacts {
  xml: boolean
  /** Whether CDATA exists here. */
  cdata: boolean
  /** An instruction that is longer is not waited for. */
  heldAtMost: number
  last: boolean
}

/** The declaration that begins at `at`; null where more has to come to tell. */
export function declarationAt(text: string, at: number, facts: DeclarationFacts): CssDeclaration | null {
  return text.charCodeAt(at + 1) === 0x21 ? markupAt(text, at, facts) : instructionAt(text, at, facts)
}

function markupAt(text: string, at: number, { cdata, last }: DeclarationFacts): CssDeclaration | null {
  if (!last && text.length - at < "<![CDATA[".length && !text.startsWith("<!--", at)) {
    const sofar = text.slice(at)
    if ("<!--".startsWith(sofar) || "<![CDATA[".startsWith(sofar)) return null
  }
  if (text.startsWith("<!--", at)) {
    // `<!-->` and `<!--->` are whole comments.
    const short = /^-?>/.exec(text.slice(at + 4, at + 6))
    if (short) return { at: at + 4 + short[0].length, mode: { kind: "data" } }
    return !last && text.length - at < 6 ? null : { at: at + 4, mode: { kind: "comment" } }
  }
  return cdata && text.startsWith("<![CDATA[", at)
    ? { at: at + 9, mode: { kind: "until", end: "]]>" } }
    : { at: at + 2, mode: { kind: "until", end: ">" } }
}

function instructionAt(
  text: string,
  at: number,
  { xml, heldAtMost, last }: DeclarationFacts,
): CssDeclaration | null {
  if (!xml) return { at: at + 2, mode: { kind: "until", end: ">" } }
  const end = text.indexOf("?>", at)
  if (end < 0 && !last && text.length - at < heldAtMost) return null
  const found: CssDeclaration = { at: at + 2, mode: { kind: "until", end: "?>" } }
  const head = /^<\?xml-stylesheet[\t\n\r ][^>]*?href[\t\n\r ]*=[\t\n\r ]*(["'])/.exec(text.slice(at, end))
  const from = at + (head?.[0].length ?? 0)
  const to = head ? text.indexOf(head[1] as string, from) : -1
  return to > from && to < end ? { ...found, sheet: { from, to } } : found
}
