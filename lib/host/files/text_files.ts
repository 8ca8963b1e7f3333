/** Files of a person who runs a tool with his own rights: read whole, written whole. */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"

/** Scripts and settings are pages; what does not end, such as a device, is a mistake. */
const mostBytes = 1024 * 1024

/** Null where there is none. */
export function readText(path: string): string | null {
  try {
    const fd = openSync(path, "r")
    try {
      const bytes = Buffer.alloc(mostBytes + 1)
      let size = 0
      for (let got = -1; got !== 0 && size <= mostBytes; size += got)
        got = readSync(fd, bytes, size, bytes.length - size, null)
      if (size > mostBytes) throw new Failed(`read ${path}`, "is longer than 1 MiB")
      return bytes.toString("utf8", 0, size)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof Failed) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return null
    throw new Failed(`read ${path}`, messageOf(error), { cause: error })
  }
}

/** Replaces the file, making its directories; mode 0600. */
export function writeText(path: string, text: string): void {
  try {
    makeDirectoryOf(path)
    const fresh = `${path}.${process.pid}.new`
    const fd = openSync(fresh, "wx", 0o600)
    try {
      const bytes = new TextEncoder().encode(text)
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
  } catch (error) {
    throw new Failed(`write ${path}`, messageOf(error), { cause: error })
  }
}

/** With the mode 0700, where it is missing. */
export function makeDirectoryOf(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Failed(`make ${dirname(path)}`, messageOf(error), { cause: error })
  }
}

/** Removing what is not there succeeds. */
export function removeFile(path: string): void {
  rmSync(path, { force: true, recursive: true })
}
