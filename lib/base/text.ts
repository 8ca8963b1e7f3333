/** Text that a person or a line-oriented program reads. */

// C0 controls, DEL and C1 controls, which move a cursor, recolour a terminal or forge a line of a log; controls of direction, which show
// characters in another order than they stand; characters of no width, which hide. https://trojansource.codes
const controlCharacters =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g

/** `text` with every control character written as `\n`, `\r`, `\t` or `\xHH`, so that it is one harmless line. */
export function escapeControls(text: string): string {
  return text.replace(controlCharacters, (character) => {
    if (character === "\n") return "\\n"
    if (character === "\r") return "\\r"
    if (character === "\t") return "\\t"
    const code = character.codePointAt(0) ?? 0
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, "0")}`
  })
}

/** A caller's string as it stands in an error: quoted, harmless, and cut where it is long. */
export function quoted(text: string): string {
  const shown = text.length > 120 ? `${text.slice(0, 120)}...` : text
  return `"${escapeControls(shown)}"`
}

/** `1 instance`, `3 instances`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`
}

/** `text` as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** `text` in at most `longestBytes` of UTF-8: what is longer ends in its length and a digest, by which it can be recognized. */
export function digestedLine(text: string, longestBytes: number): string {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= longestBytes) return text
  const digest = new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 16)
  const end = ` ... (${bytes.length} bytes, sha256 ${digest})`
  // A character that the cut would halve is left out.
  const start = new TextDecoder().decode(bytes.subarray(0, Math.max(0, longestBytes - end.length - 3)))
  return `${start.replace(/\ufffd$/, "")}${end}`
}
