/** A terminal that does not show what a person types. */
import { isatty } from "node:tty"

/** Runs `work` with the echo of standard input's terminal off; where it is no terminal, just runs it. */
export async function withoutEcho<T>(work: () => Promise<T>): Promise<T> {
  if (!isatty(0)) return work()
  const before = stty("-g")
  if (before === null) return work()
  stty("-echo")
  try {
    return await work()
  } finally {
    stty(before)
  }
}

/** What stty prints; null where it fails. */
function stty(argument: string): string | null {
  const done = Bun.spawnSync(["/usr/bin/stty", argument], {
    env: { PATH: "/usr/bin:/bin" },
    stdin: 0,
    stdout: "pipe",
    stderr: "ignore",
  })
  return done.success ? String(done.stdout).trim() : null
}
