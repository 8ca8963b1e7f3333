/**
 * A file that a caller named for output. A plain file is replaced in one step, so that a reader sees the old text or the new
 * one. Anything else (a FIFO, a terminal, /dev/stdout) is written into and never replaced.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import type { Caller } from "../caller/caller.ts"
import type { HomeFiles } from "../home/home.ts"

/** A FIFO's reader may come a moment later: `cat fifo & usage_report --html fifo`. */
const readerPatienceMs = 5000
const pollMs = 20

/**
 * Writes `text`. Behind the wrapper `path` is a name in the caller's home, and nothing else is touched. Readable to all where
 * `shared`. Throws Failed in words that name `path`; a plain file then has its old content.
 */
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
  const bytes = new TextEncoder().encode(text)
  try {
    const target = targetOf(path)
    if (target.plain) replace(target.path, bytes, shared)
    else writeInto(target.path, bytes)
  } catch (error) {
    if (error instanceof Failed) throw error
    throw new Failed(`write ${path}`, reasonOf(error as NodeJS.ErrnoException, path), { cause: error })
  }
}

/** The file behind a symbolic link, if it may be followed. */
function targetOf(path: string): { path: string; plain: boolean } {
  const own = statOf(path, lstatSync)
  if (own === null) return { path, plain: true }
  requireTrusted(path, own)
  if (!own.isSymbolicLink()) return { path, plain: own.isFile() || own.isDirectory() }
  const behind = statOf(path, statSync)
  if (behind === null)
    throw new Failed(`write ${path}`, "it is a symbolic link to a file that does not exist")
  return behind.isFile() ? { path: realpathSync(path), plain: true } : { path, plain: behind.isDirectory() }
}

function statOf(path: string, stat: (path: string) => Stats): Stats | null {
  try {
    return stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw error
  }
}

/**
 * In a directory such as /tmp another user's link could lead us anywhere, and another user's FIFO would take what we write. The
 * rule is the kernel's: https://docs.kernel.org/admin-guide/sysctl/fs.html#protected-symlinks
 */
function requireTrusted(path: string, own: Stats): void {
  const directory = statSync(dirname(path))
  const isShared = (directory.mode & (constants.S_IWOTH | 0o1000)) === (constants.S_IWOTH | 0o1000)
  const ours = own.uid === process.geteuid?.() || own.uid === directory.uid
  if (!own.isFile() && isShared && !ours)
    throw new Failed(
      `write ${path}`,
      "it is no plain file, and another user made it in a directory that all can write",
    )
}

function replace(path: string, bytes: Uint8Array, shared: boolean): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  let fd: number | undefined
  try {
    fd = openSync(temporary, "wx", 0o600)
    writeAll(fd, bytes)
    if (shared) fchmodSync(fd, 0o644)
    fsyncSync(fd)
    renameSync(temporary, path)
  } catch (error) {
    if (fd !== undefined) rmSync(temporary, { force: true })
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function writeInto(path: string, bytes: Uint8Array): void {
  const fd = openForWriting(path)
  try {
    writeAll(fd, bytes)
  } finally {
    closeSync(fd)
  }
}

/** O_NONBLOCK: a FIFO that nobody reads is an error instead of a wait without end. */
function openForWriting(path: string): number {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENXIO" || waitedMs >= readerPatienceMs) throw error
      Bun.sleepSync(pollMs)
    }
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      Bun.sleepSync(pollMs) // the reader is slow
    }
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
    case "ENXIO":
      return "nobody reads from it"
    case "EPIPE":
      return "its reader has gone"
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full, what was there before is left"
    default:
      return messageOf(error)
  }
}
