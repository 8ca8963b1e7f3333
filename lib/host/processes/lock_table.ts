/** Who holds which lock, as the kernel tells everybody in /proc/locks (proc_locks(5)), in this process's own pid namespace. */
import { readFileSync, statSync } from "node:fs"

export interface HeldLock {
  pid: number
  /** POSIX: of one process (SQLite's). FLOCK: of an open file (our lock files and slots). */
  kind: "POSIX" | "FLOCK"
  exclusive: boolean
  /** Only the inode: some file systems call their device otherwise than stat(2) does. */
  inode: number
  /** The first byte that is locked. */
  start: number
}

/** All locks that are held; locks that are waited for are left out. Empty where /proc cannot be read. */
export function heldLocks(table = readTable()): HeldLock[] {
  const lines = table.matchAll(
    /^\d+: (POSIX|FLOCK) +\w+ +(READ|WRITE) +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) (\d+) /gm,
  )
  return [...lines].map(([, kind, access, pid, inode, start]) => ({
    kind: kind as HeldLock["kind"],
    exclusive: access === "WRITE",
    pid: Number(pid),
    inode: Number(inode),
    start: Number(start),
  }))
}

/** SQLite's checkpoint lock on the index of its log (byte 121) makes no writer wait. */
const checkpointByte = 121

/** The processes whose exclusive locks on these files make others wait. */
export function blockingProcesses(paths: readonly string[], locks = heldLocks()): Set<number> {
  const inodes = new Map(paths.map((path) => [statSync(path, { throwIfNoEntry: false })?.ino, path]))
  const blocks = ({ exclusive, inode, start }: HeldLock) =>
    exclusive && inodes.has(inode) && !(start === checkpointByte && inodes.get(inode)?.endsWith("-shm"))
  return new Set(locks.filter(blocks).map(({ pid }) => pid))
}

function readTable(): string {
  try {
    return readFileSync("/proc/locks", "utf8")
  } catch {
    return ""
  }
}
