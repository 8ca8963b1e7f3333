/** To and from a POSIX shell's words, without a shell. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"

/** One word for a shell, whatever is in it. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** A command line that a shell splits into exactly these words. */
export function shellCommand(words: readonly string[]): string {
  return words.map(shellQuote).join(" ")
}

/** Splits `-i "my key" -o X=1` as a shell would, with quotes and backslashes and no expansion of any kind. */
export function splitWords(text: string): string[] {
  const words: string[] = []
  const pattern = /\s*((?:[^\s"'\\]+|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)/gsy
  let end = 0
  for (const match of text.matchAll(pattern)) {
    words.push((match[1] ?? "").replace(/\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs, unquote))
    end = match.index + match[0].length
  }
  if (text.slice(end).trim() !== "") throw new UsageError("ssh-options", `${quoted(text)} has an open quote`)
  return words
}

function unquote(_match: string, escaped?: string, single?: string, double?: string): string {
  return escaped ?? single ?? (double ?? "").replace(/\\(["\\$`])/g, "$1")
}
