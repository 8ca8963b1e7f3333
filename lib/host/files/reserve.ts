/**
 * Room on the disk that is kept for what ends instances: a database cannot even be opened on a full one. Students' terminations have a
 * file of their own, so that enforcement still finds its room after theirs was given up.
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { freeSpace } from "./mounts.ts"

const names = { enforcement: "reserve", students: "reserve-students" } as const
const reserveBytes = 1024 * 1024
/** Below it the reserve is given up. */
const scarceBytes = 256 * 1024

/** With less than this, tools begin to fail, and no reserve can be kept. */
export const fullBytes = 8 * reserveBytes

/** Less than this, or than this share, is little. */
export const lowBytes = 512 * 1024 * 1024
export const lowShare = 0.05

/** Gives a reserve up where the disk is full; enforcement takes both where its own is not enough. Never throws. */
export function useReserve(dataDir: string, purpose: keyof typeof names): void {
  const wanted = purpose === "students" ? [names.students] : [names.enforcement, names.students]
  try {
    for (const name of wanted)
      if (freeSpace(dataDir).bytes < scarceBytes) rmSync(join(dataDir, name), { force: true })
  } catch {
    // What comes next says what is wrong.
  }
}

/** Sets the reserves aside where there is room for them. Never throws. */
export function keepReserve(dataDir: string): void {
  for (const name of Object.values(names)) keepFile(dataDir, join(dataDir, name))
}

function keepFile(dataDir: string, path: string): void {
  try {
    if (existsSync(path) || freeSpace(dataDir).bytes < fullBytes) return
    const fd = openSync(path, "wx", 0o600)
    try {
      // Written, not a hole; not zeros alone, which some file systems do not store.
      for (let at = 0; at < reserveBytes; at += 65536)
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
