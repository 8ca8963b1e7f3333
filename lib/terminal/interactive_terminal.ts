/** A person at the terminal, if there is one: live lines on stderr, questions with answers from stdin. */

import { writeSync } from "node:fs"
import { isatty } from "node:tty"
import type { Terminal } from "../operations/clusters/deps.ts"
import type { Output } from "./output.ts"

/** More would scroll, and what has scrolled cannot be replaced. */
const mostLiveLines = 20

export function interactiveTerminal(
  output: Output,
  { asks, interrupt }: { asks: boolean; interrupt: AbortSignal },
): Terminal {
  const maySee = output.interactive
  const mayAnswer = asks && isatty(0)
  let shown = 0
  const last = new Map<string, string>()
  return {
    asks: mayAnswer,
    line: (text) => output.line(text),
    note(text) {
      output.note(text)
      shown = 0
    },
    warn(text) {
      output.warn(text)
      shown = 0
    },
    nodes(lines) {
      if (!maySee) {
        const changed = lines.filter(({ id, text }) => last.get(id) !== text)
        for (const { id, text } of changed) output.note(`${id}: ${text}`)
      } else {
        const more = lines.length - mostLiveLines
        const visible = lines.slice(0, mostLiveLines).map(({ id, text }) => `${id}  ${text}`)
        if (more > 0) visible.push(`and ${more} more`)
        const up = shown > 0 ? `\u001b[${shown}A` : ""
        writeSync(2, `${up}${visible.map((line) => `\r\u001b[K${line}\n`).join("")}\u001b[J`)
        shown = visible.length
      }
      for (const { id, text } of lines) last.set(id, text)
    },
    async ask(question) {
      if (!mayAnswer) return null
      shown = 0
      writeSync(2, question)
      const reader = Bun.stdin.stream().getReader()
      const interrupted = new Promise<never>((_, reject) => {
        interrupt.addEventListener("abort", () => reject(interrupt.reason), { once: true })
      })
      try {
        let answer = ""
        while (!answer.includes("\n")) {
          const { value, done } = await Promise.race([reader.read(), interrupted])
          if (done) break
          answer += new TextDecoder().decode(value)
        }
        return answer.split("\n")[0] ?? ""
      } finally {
        reader.releaseLock()
      }
    },
  }
}
