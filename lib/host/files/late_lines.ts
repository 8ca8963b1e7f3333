/** Lines that could not be written where they belong, in the first place that takes them, until that does again. */
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import type { Clock } from "../../base/time.ts"
import { type LockWaiting, waitForLock } from "../processes/lock_wait.ts"
import { requirePrivateDirectory, requirePrivateFile } from "./private_file.ts"

export interface LateLines {
  /** `line` ends in a newline. False where no place takes it; never throws: the caller has nowhere else to go. */
  add(line: string): boolean
  /** Calls `work` with all that wait, "" where nothing does, and forgets them once it returns. Nobody else takes or adds meanwhile. */
  take(work: (lines: string) => void): void
  count(): number
}

const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
const longestWaitMs = 5000

/** In files called `name` of these directories, whichever process asks. */
export function lateLines(
  directories: readonly string[],
  name: string,
  locking: { clock: Clock; waiting: LockWaiting | undefined },
): LateLines {
  const paths = directories.map((directory) => join(directory, name))
  const lock = (fd: number, path: string) => waitForLock(fd, path, { ...locking, deadlineMs: longestWaitMs })

  function tryAppend(path: string, line: string): boolean {
    let fd: number | undefined
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      requirePrivateDirectory(dirname(path))
      fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
      requirePrivateFile(fd, path)
      lock(fd, path)
      const bytes = new TextEncoder().encode(line)
      const whole = writeSync(fd, bytes) === bytes.length
      fsyncSync(fd)
      return whole
    } catch {
      return false
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  return {
    add: (line) => paths.some((path) => tryAppend(path, line)),
    take(work) {
      const held = paths.map((path) => ({ path, fd: openExisting(path) }))
      try {
        const texts = held.map(({ path, fd }) => {
          if (fd === null) return ""
          lock(fd, path)
          return wholeLines(fd)
        })
        work(texts.join(""))
        for (const { fd } of held) if (fd !== null) ftruncateSync(fd, 0)
      } finally {
        for (const { fd } of held) if (fd !== null) closeSync(fd)
      }
    },
    count: () => paths.map(textOf).join("").split("\n").length - 1,
  }
}

/** Null where there is none, or it is not ours alone. */
function openExisting(path: string): number | null {
  let fd: number | undefined
  try {
    fd = openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    requirePrivateFile(fd, path)
    return fd
  } catch {
    if (fd !== undefined) closeSync(fd)
    return null
  }
}

function textOf(path: string): string {
  const fd = openExisting(path)
  if (fd === null) return ""
  try {
    return wholeLines(fd)
  } finally {
    closeSync(fd)
  }
}

/** A line that was cut off is left out. */
function wholeLines(fd: number): string {
  const text = readFileSync(fd, "utf8")
  return text.slice(0, text.lastIndexOf("\n") + 1)
}
