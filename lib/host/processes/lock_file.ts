/** Files that exist to be locked: opened privately, locked with flock(2), released by closing them or by the process's end. */
import { closeSync, constants, openSync } from "node:fs"
import { Failed, messageOf } from "../../base/errors.ts"
import { requirePrivateFile } from "../files/private_file.ts"
import { tryLock } from "./libc.ts"

/**
 * Opens a file to lock, creating it with mode 0600. Returns its descriptor; throws Failed where it is not a private regular file, and
 * the system's error where it cannot be opened. `access` is O_RDWR or what the caller writes with.
 */
export function openLockFile(path: string, access: number = constants.O_RDWR): number {
  const { O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  const fd = openSync(path, access | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
  try {
    requirePrivateFile(fd, path)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/**
 * Holds `path` until the returned function is called, or the process ends. Returns null at once where another process holds it;
 * throws Failed where the file cannot be opened or locked.
 */
export function tryExclusiveLock(path: string): (() => void) | null {
  let fd: number | undefined
  try {
    fd = openLockFile(path)
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
