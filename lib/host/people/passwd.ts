/** The logins of this host, as far as name services list them: some, as sssd, answer for one login and list none. */

/** Null where getent fails. */
export function listedLogins(program = "/usr/bin/getent"): string[] | null {
  try {
    const { success, stdout } = Bun.spawnSync([program, "passwd"], { timeout: 10_000, stderr: "ignore" })
    if (!success) return null
    const lines = stdout.toString().split("\n")
    return lines.filter((line) => line !== "").map((line) => line.slice(0, line.indexOf(":")))
  } catch {
    return null
  }
}
