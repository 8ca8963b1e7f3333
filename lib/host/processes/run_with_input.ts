/** Runs a program with text on its stdin, for a bounded time. */

/**
 * Runs `argv` with `text` on its stdin. Returns true when it exits with 0, false when it fails or cannot be started, and null when it
 * has not ended after `patienceMs`: its whole process group is then killed. It inherits no descriptor of ours.
 */
export async function runWithInput(
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
