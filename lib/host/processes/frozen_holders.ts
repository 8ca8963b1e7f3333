/**
 * Runs that hold a lock and are frozen. Whoever has a cgroup of their own, as every login of systemd's does, can freeze what
 * they started, whatever uid it has taken, and would lock everybody out. A run may be killed anywhere: the next one settles it.
 */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"

/** A wait this long is no ordinary one, and time to look who is waited for. */
export const suspiciousWaitMs = 1000

/** Kills the frozen processes that hold a lock on one of these files. */
export function endFrozenHolders(paths: string[]): void {
  const holders = lockHolders(paths)
  if (holders.size === 0) return
  for (const pid of frozenThreads("/sys/fs/cgroup", false)) if (holders.has(pid)) end(pid)
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // gone, or not the account's
  }
}

/** Of /proc/locks (proc_locks(5)); by inode only, since some file systems call their device otherwise than stat(2) does. */
function lockHolders(paths: string[]): Set<number> {
  const inodes = new Set(paths.map((path) => statSync(path, { throwIfNoEntry: false })?.ino))
  const locks = textOf("/proc/locks").matchAll(/^\d+: (?:POSIX|FLOCK) +\w+ +\w+ +(\d+) \w+:\w+:(\d+) /gm)
  return new Set([...locks].filter(([, , inode]) => inodes.has(Number(inode))).map(([, pid]) => Number(pid)))
}

/**
 * All threads in frozen cgroups. Not by /proc/PID, which hidepid hides, and not by cgroup.events, which says "not frozen" as
 * long as one process beside ours cannot be; a process holds its locks by its first thread, which has its id.
 */
function* frozenThreads(cgroup: string, isParentFrozen: boolean): Generator<number> {
  const isFrozen = isParentFrozen || textOf(join(cgroup, "cgroup.freeze")).startsWith("1")
  if (isFrozen) yield* textOf(join(cgroup, "cgroup.threads")).trim().split("\n").map(Number)
  for (const child of directoriesIn(cgroup)) yield* frozenThreads(join(cgroup, child), isFrozen)
}

function directoriesIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch {
    return [] // ended meanwhile
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
