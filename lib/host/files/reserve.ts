/** Room on the disk that is kept for enforcement: a database cannot even be opened on a full one. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { freeSpace } from "./mounts.ts"

const name = "reserve"
const reserveBytes = 1024 * 1024
/** Below it the reserve is given up. */
const scarceBytes = 256 * 1024

/** Less than this, or than this share, is little. */
export const lowBytes = 512 * 1024 * 1024
export const lowShare = 0.05

/** Gives the reserve up where the disk is full. Never throws. */
export function useReserve(dataDir: string): void {
  try {
    if (freeSpace(dataDir).bytes < scarceBytes) rmSync(join(dataDir, name), { force: true })
  } catch {
    // What comes next says what is wrong.
  }
}

/** Sets the reserve aside where there is room for it. Never throws. */
export function keepReserve(dataDir: string): void {
  const path = join(dataDir, name)
  try {
    if (freeSpace(dataDir).bytes < 8 * reserveBytes) return
    const fd = openSync(path, "wx", 0o600)
    try {
      // Written, not a hole; not zeros alone, which some file systems do not store.
      writeSync(fd, crypto.getRandomValues(new Uint8Array(65536)))
      for (let at = 65536; at < reserveBytes; at += 65536)
        writeSync(fd, crypto.getRandomValues(new Uint8Array(65536)))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // It is there already, or the disk is full.
  }
}

/** A warning where little is free, by both measures: cron mails it each time. Null where enough is. */
export function lowSpace(dataDir: string): string | null {
  const { bytes, share } = freeSpace(dataDir)
  if (bytes >= lowBytes || share >= lowShare) return null
  return `${dataDir} has ${Math.floor(bytes / 2 ** 20)} MiB free (${Math.floor(share * 100)} %): free some space, or nothing can be recorded and nothing launches`
}
