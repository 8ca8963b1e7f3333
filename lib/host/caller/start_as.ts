/** Starting a program as somebody else, as root: whether a student's command starts at all, only a student's process shows. */

const longestMs = 20_000

/**
 * Starts `command` with the login's rights, an almost empty environment and no input. Returns null where it ends with 0, else what it says.
 * `undefined` where it cannot be tried: not by root, or without util-linux's setpriv.
 */
export function whyNotStarted(login: string, command: readonly string[]): string | null | undefined {
  const [setpriv, id] = ["setpriv", "id"].map((name) => Bun.which(name, { PATH: "/usr/bin:/bin" }))
  if (process.geteuid?.() !== 0 || !setpriv || !id) return undefined
  const numberOf = (kind: string) => Bun.spawnSync([id, kind, "--", login]).stdout.toString().trim()
  const [uid, gid] = [numberOf("-u"), numberOf("-g")]
  if (!/^[1-9]\d*$/.test(uid) || !/^\d+$/.test(gid)) return undefined
  const rights = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"]
  const { exitCode, stderr } = Bun.spawnSync([setpriv, ...rights, ...command], {
    ...{ cwd: "/", env: { PATH: "/usr/bin:/bin" }, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    timeout: longestMs,
  })
  if (exitCode === 0) return null
  return stderr.toString().trim().split("\n").at(-1) || `ends with ${exitCode}`
}
