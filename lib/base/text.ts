/** Text that a person or a line-oriented program reads. */

// C0 controls, DEL and C1 controls: what can move a cursor, recolour a terminal or forge a line of a log.
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

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
  const shown = text.length > 120 ? `${text.slice(0, 120)}…` : text
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
