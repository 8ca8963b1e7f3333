/** A program on a pseudo-terminal of its own, which the test reads and types on like a person. */

export interface ToolOnTerminal {
  /** All that the program has written, escape sequences included. */
  screen(): string
  /** Waits until it has written that; throws where it ends without. */
  says(wanted: RegExp): Promise<void>
  type(text: string): void
  /** Its exit code; 128 + the signal's number where one ended it. */
  exited: Promise<number>
}

export const ctrlC = "\u0003"

export function runOnTerminal(
  command: string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): ToolOnTerminal {
  const decoder = new TextDecoder()
  let text = ""
  let changed = Promise.withResolvers<void>()
  const child = Bun.spawn(command, {
    cwd,
    env: { TERM: "xterm", ...env },
    terminal: {
      cols: 200,
      rows: 50,
      data(_terminal, bytes) {
        text += decoder.decode(bytes, { stream: true })
        changed.resolve()
        changed = Promise.withResolvers()
      },
    },
  })
  let hasEnded = false
  const exited = child.exited.then((code) => {
    hasEnded = true
    return code
  })
  return {
    screen: () => text,
    async says(wanted) {
      while (!wanted.test(text)) {
        if (hasEnded) throw new Error(`ended without ${wanted}: ${text}`)
        await Promise.race([changed.promise, exited])
      }
    },
    type: (words) => void child.terminal?.write(words),
    exited,
  }
}
