/** A file that a caller asked for: whole or not at all, so that whoever reads it meanwhile sees the old one. */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import type { Caller } from "../caller/caller.ts"
import type { HomeFiles } from "../home/home.ts"

/** Behind the wrapper `path` is a name in the caller's home, and nothing else is touched. Readable to all where `shared`. */
export function writeOutput(
  { caller, home }: { caller: Caller; home: HomeFiles },
  path: string,
  text: string,
  { shared = false } = {},
): void {
  if (caller.behindWrapper) {
    home.write(path, text)
    return
  }
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  let fd: number | undefined
  try {
    fd = openSync(temporary, "wx", 0o600)
    const bytes = new TextEncoder().encode(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    if (shared) fchmodSync(fd, 0o644)
    fsyncSync(fd)
    renameSync(temporary, path)
  } catch (error) {
    if (fd !== undefined) rmSync(temporary, { force: true })
    throw new Failed(`write ${path}`, reasonOf(error as NodeJS.ErrnoException, path), { cause: error })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** In words that name what the caller named, not the temporary file. */
function reasonOf(error: NodeJS.ErrnoException, path: string): string {
  switch (error.code) {
    case "EISDIR":
      return "that is a directory, wanted a file's name"
    case "ENOENT":
    case "ENOTDIR":
      return `there is no directory ${dirname(path)}`
    case "EACCES":
    case "EPERM":
      return `you may not write into ${dirname(path)}`
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full, what was there before is left"
    default:
      return messageOf(error)
  }
}
