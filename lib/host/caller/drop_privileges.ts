/** Giving up root for good: root's rights say nothing about the account's. */
import { lstatSync } from "node:fs"
import { Failed } from "../../base/errors.ts"

/**
 * Run by root, the process becomes the owner of `directory`, the privileged account, and cannot return; run by anybody else, nothing
 * happens. Throws Failed where the change did not take effect.
 */
export function dropPrivilegesTo(directory: string): void {
  if (process.geteuid?.() !== 0) return
  const stats = lstatSync(directory, { throwIfNoEntry: false })
  if (!stats || stats.uid === 0) return
  process.setgroups?.([])
  process.setgid?.(stats.gid)
  process.setuid?.(stats.uid)
  if (process.geteuid?.() !== stats.uid || process.getuid?.() !== stats.uid) {
    throw new Failed("become the account", `uid ${stats.uid} was not taken on`)
  }
}
