/** Giving up root for good: what root may do says nothing about what the account may. */
import { lstatSync } from "node:fs"
import { Failed } from "../../base/errors.ts"

/** Run by root, the process becomes the owner of `directory`, the privileged account; run by anybody else, nothing happens. */
export function becomeOwnerOf(directory: string): void {
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
