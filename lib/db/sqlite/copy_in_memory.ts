/** A database's content in memory, for reading it where the disk is full and SQLite cannot open it. */
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { diskFull, Failed } from "../../base/errors.ts"
import { freeSpace } from "../../host/files/mounts.ts"

/** A file system in memory that every Linux has. */
const memory = "/dev/shm"

/**
 * Copies the database at `path`, with its log, runs `open` on the copy's path, and removes the copy's name; what `open` has open goes on
 * working, and what it writes is lost. SQLite cannot open a database on a full disk only where no other process has it open, so that
 * nothing changes while it is copied; where it did change, that is seen. Throws Failed where memory has no room either.
 */
export function openInMemory<T>(path: string, open: (copy: string) => T): T {
  const parts = [path, `${path}-wal`].filter(existsSync)
  const before = parts.map(stateOf)
  const bytes = parts.reduce((sum, part) => sum + statSync(part).size, 0)
  if (freeSpace(memory).bytes < 2 * bytes)
    throw new Failed(`database ${path}`, `${diskFull}, and ${memory} has no room for a copy; free some space`)
  const directory = mkdtempSync(join(memory, "ec2-wrappers-"))
  try {
    for (const part of parts) copyFileSync(part, join(directory, part.slice(part.lastIndexOf("/") + 1)))
    if (parts.map(stateOf).join() !== before.join())
      throw new Failed(`database ${path}`, "changed while it was read; run it again")
    return open(join(directory, path.slice(path.lastIndexOf("/") + 1)))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function stateOf(path: string): string {
  const { size, mtimeMs, ino } = statSync(path)
  return `${ino} ${size} ${mtimeMs}`
}
