/** Lines of the audit log that could not be written, in the first place that takes them, until the log does again. */
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
import { requirePrivateDirectory, requirePrivateFile } from "./private_file.ts"

export interface LateLines {
  /** Never throws: the caller has nowhere else to go. */
  add(line: string): void
  /** All that wait, ending in a newline; empty where none does. */
  read(): string
  clear(): void
  count(): number
}

const name = "audit-log.late"
const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants

/** In the same directories whichever process asks. The audit log's lock is held by whoever reads and clears. */
export function lateLines(directories: readonly string[]): LateLines {
  const paths = directories.map((directory) => join(directory, name))
  const read = () => paths.map(textOf).join("")
  return {
    add(line) {
      paths.some((path) => tryAppend(path, line))
    },
    read,
    clear() {
      for (const path of paths) empty(path)
    },
    count: () => read().split("\n").length - 1,
  }
}

function tryAppend(path: string, line: string): boolean {
  let fd: number | undefined
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    requirePrivateDirectory(dirname(path))
    fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
    requirePrivateFile(fd, path)
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

/** Whole lines only. */
function textOf(path: string): string {
  let fd: number | undefined
  try {
    fd = openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    requirePrivateFile(fd, path)
    const text = readFileSync(fd, "utf8")
    return text.slice(0, text.lastIndexOf("\n") + 1)
  } catch {
    return ""
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function empty(path: string): void {
  let fd: number | undefined
  try {
    fd = openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    ftruncateSync(fd, 0)
  } catch {
    // it is not there
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
