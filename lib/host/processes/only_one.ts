/** One process at a time, for what must not overlap with itself. */
import { closeSync, constants, openSync } from "node:fs"
import { Failed, messageOf } from "../../base/errors.ts"
import { requirePrivateFile } from "../files/private_file.ts"
import { tryLock } from "./libc.ts"

/** Holds `path` until the returned function is called, or the process ends; null where another process holds it. */
export function holdAlone(path: string): (() => void) | null {
  let fd: number | undefined
  try {
    const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
    fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
    requirePrivateFile(fd, path)
    const held = fd
    if (tryLock(held, path)) return () => closeSync(held)
    closeSync(held)
    return null
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    if (error instanceof Failed) throw error
    throw new Failed(`lock ${path}`, messageOf(error), { cause: error })
  }
}
