/** Giving a program something to read whose answer nobody waits for long. */

/**
 * Runs `argv` with `text` on its stdin. True: it took it and ended well; false: it did not, or could not be started; null: it had not
 * ended after `patienceMs` and was killed, with all that it had started. It gets no descriptor of ours that it could hold open.
 */
export async function feed(
  argv: readonly string[],
  text: string,
  patienceMs: number,
): Promise<boolean | null> {
  let child: Bun.Subprocess
  try {
    child = Bun.spawn([...argv], {
      stdin: new TextEncoder().encode(text),
      stdout: "ignore",
      stderr: "ignore",
      // a process group of its own: a mailer's children are killed with it
      detached: true,
    })
  } catch {
    return false
  }
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = AbortSignal.timeout(patienceMs)
  timer.addEventListener("abort", () => resolve(null))
  const code = await Promise.race([child.exited, late])
  if (code !== null) return code === 0
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    // it ended just now
  }
  return null
}
