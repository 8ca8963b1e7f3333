/** The audit log: who asked for what, before it happens, and what came of it, after. Grep and staff read it. */
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, writeSync } from "node:fs"
import { Failed, messageOf } from "../../base/errors.ts"
import { escapeControls } from "../../base/text.ts"
import type { Clock, UtcMs } from "../../base/time.ts"
import { localOffsetMs } from "../processes/libc.ts"
import { openLockFile } from "../processes/lock_file.ts"
import { type LockWaiting, waitForLock } from "../processes/lock_wait.ts"

export interface AuditLog {
  /** Appends one line and has it on disk when it returns; throws Failed where it cannot, so that nothing goes unrecorded. */
  record(login: string, message: string): void
}

/** The log at `path`, made at the first record: `ISO-LOCAL-TIME: LOGIN: MESSAGE`, as the old tools wrote it. */
export function auditLog(path: string, clock: Clock, waiting?: LockWaiting): AuditLog {
  return {
    record(login, message) {
      const line = `${localIso(clock.now())}: ${escapeControls(login)}: ${escapeControls(message)}\n`
      let fd: number | undefined
      try {
        fd = openLockFile(path, constants.O_WRONLY | constants.O_APPEND)
        waitForLock(fd, path, { clock, waiting })
        append(fd, new TextEncoder().encode(line))
      } catch (error) {
        if (error instanceof Failed) throw error
        throw new Failed("audit log", messageOf(error), { cause: error })
      } finally {
        if (fd !== undefined) closeSync(fd)
      }
    },
  }
}

/** Appends whole lines only: what a full disk cut off is taken back. */
function append(fd: number, bytes: Uint8Array): void {
  const { size } = fstatSync(fd)
  try {
    let written = 0
    while (written < bytes.length) written += writeSync(fd, bytes.subarray(written))
    fsyncSync(fd)
  } catch (error) {
    ftruncateSync(fd, size)
    throw error
  }
}

/** Local time without a zone and with six decimals, as Python's `datetime.now().isoformat()`. */
function localIso(utcMs: UtcMs): string {
  return `${new Date(utcMs + localOffsetMs(utcMs)).toISOString().slice(0, 23)}000`
}
