/** Text as man(7) takes it: https://man.openbsd.org/roff.7 */
import { wrap } from "../../lib/base/wrap.ts"

/** Longer lines of a source file are a finding of `mandoc -T lint`. */
const sourceColumns = 78

const characters: Record<string, string> = {
  "\\": "\\e",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  "-": "\\-",
}

/** Characters for themselves, whatever roff would make of them; hyphens as the minus that a shell takes. */
export function literal(text: string): string {
  return text.replace(/[\\'`^~-]|[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return characters[character] ?? `\\[u${code.toString(16).toUpperCase().padStart(4, "0")}]`
  })
}

/** A paragraph in lines of the source. A hyphen within a word stays a hyphen, one before a word is an option's. */
export function prose(text: string): string[] {
  const escaped = literal(text).replace(/(\w)\\-(?=\w)/g, "$1-")
  return wrap(escaped, sourceColumns).map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
}

/** A macro's argument: one word to roff. */
export function argument(text: string): string {
  return `"${literal(text).replaceAll('"', "\\(dq")}"`
}

/** A block of lines that are shown as they stand. */
export function verbatim(lines: readonly string[]): string[] {
  return [".EX", ...lines.map((line) => (/^[.']/.test(line) ? `\\&${literal(line)}` : literal(line))), ".EE"]
}
