/** A word that somebody has to type before something is done that cannot be undone. */
import { UsageError } from "../base/errors.ts"
import { quoted } from "../base/text.ts"
import type { Clock } from "../base/time.ts"
import { readLine } from "../host/people/stdin.ts"
import type { Output } from "./output.ts"

/** Asks for `word` on stdin; throws UsageError where something else, or nothing, comes. */
export async function requireTyped(word: string, output: Output, clock: Clock): Promise<void> {
  output.note(`Type ${word} to go on:`)
  const typed = (await readLine(clock)).trim()
  if (typed !== word) {
    throw new UsageError(
      "confirmation",
      `${quoted(typed)} was typed, wanted ${quoted(word)}; nothing was done`,
    )
  }
}
