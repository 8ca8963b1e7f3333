/** Whether a path can be changed only by root and by the account that this process runs as. */
import { lstatSync, realpathSync, type Stats } from "node:fs"
import { dirname } from "node:path"

const stickyBit = 0o1000
const groupOrOtherWrite = 0o022

/**
 * What makes a path untrustworthy, as `DIRECTORY: reason`, or null: every component, also behind symbolic links, has to be
 * owned by root or `uid` and writable by no other. Sticky directories of root, such as /tmp, are trusted: nobody can
 * replace another's entry in them. After OpenSSH's `safe_path` (misc.c).
 */
export function whyUntrusted(path: string, uid: number): string | null {
  const seen = new Set<string>()
  for (const start of [path, realpathSync(path)]) {
    for (let component = start; !seen.has(component); component = dirname(component)) {
      seen.add(component)
      const reason = reasonAgainst(lstatSync(component), uid)
      if (reason) return `${component}: ${reason}`
    }
  }
  return null
}

function reasonAgainst(stats: Stats, uid: number): string | null {
  if (stats.uid !== 0 && stats.uid !== uid) return `is owned by uid ${stats.uid}, not by root or this account`
  if (stats.isSymbolicLink()) return null // its own mode says nothing; where it leads is checked too
  const isStickyOfRoot = stats.isDirectory() && stats.uid === 0 && (stats.mode & stickyBit) !== 0
  if ((stats.mode & groupOrOtherWrite) !== 0 && !isStickyOfRoot) return "is writable by group or others"
  return null
}
