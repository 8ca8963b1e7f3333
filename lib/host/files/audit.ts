/** The audit log: who asked for what, before it happens, and what came of it, after. Grep and staff read it. */

import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, writeSync } from "node:fs"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { digestedLine, escapeControls } from "../../base/text.ts"
import { type Clock, isoUtc, type UtcMs } from "../../base/time.ts"
import { localOffsetMs } from "../processes/libc.ts"
import { openLockFile } from "../processes/lock_file.ts"
import { type LockWaiting, waitForLock } from "../processes/lock_wait.ts"
import { toSystemLog } from "../processes/system_log.ts"
import { auditShares } from "./audit_shares.ts"
import { lateLines } from "./late_lines.ts"

/**
 * required: throws Failed where the line cannot be written, so that nothing goes unrecorded.
 * regardless: of what ends something. What goes on running costs more than a missing line: where the log takes nothing, the line goes
 * to stderr, to syslog and into a file beside the log, from which the next line that is written brings it in. Never throws.
 * refusal: a short line, and a bounded number of them for each login and hour; more are counted.
 */
export type LineKind = "required" | "regardless" | "refusal"

export interface AuditLog {
  /** Appends one line and has it on disk when it returns. `kind` is "required" unless told. */
  record(login: string, message: string, kind?: LineKind): void
  /** Before something is made: throws Refused where the login's lines of this day (UTC) have used up its share of the disk. */
  requireRoom(login: string): void
  /** Writes the lines that wait, and how many refusals of past hours were only counted. Throws Failed where it cannot. */
  catchUp(): void
  /** How many lines wait to be brought in. */
  late(): number
}

export interface AuditOptions {
  waiting?: LockWaiting | undefined
  /** Where lines wait while the log takes nothing, the first directory that works. */
  lateDirectories?: readonly string[]
  /** Where refusals and bytes are counted; not counted where it is missing. */
  sharesDirectory?: string
  /** Told each line that the log did not take. */
  say?: (line: string) => void
}

/** Bytes of a refusal's line. */
const longestRefusal = 2000
/** Bytes of any other line: longer ones end in a digest. */
const longestLine = 16_000

/** The log at `path`, made at the first record: `ISO-LOCAL-TIME: LOGIN: MESSAGE`, as the old tools wrote it. */
export function auditLog(
  path: string,
  clock: Clock,
  { waiting, lateDirectories = [], sharesDirectory, say }: AuditOptions = {},
): AuditLog {
  const late = lateLines(lateDirectories)
  const shares = sharesDirectory === undefined ? null : auditShares(sharesDirectory, clock)

  function lineOf(login: string, message: string, longest = longestLine): string {
    const start = `${localIso(clock.now())}: ${escapeControls(login)}: `
    return `${start}${digestedLine(escapeControls(message), longest - Buffer.byteLength(start) - 1)}\n`
  }

  function write(line: string): void {
    let fd: number | undefined
    try {
      fd = openLockFile(path, constants.O_WRONLY | constants.O_APPEND)
      waitForLock(fd, path, { clock, waiting })
      const waitingLines = late.read()
      append(fd, waitingLines + line)
      if (waitingLines !== "") late.clear()
    } catch (error) {
      if (error instanceof Failed) throw error
      throw new Failed("audit log", messageOf(error), { cause: error })
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  function recordRequired(login: string, message: string): void {
    const line = lineOf(login, message)
    write(line)
    shares?.spend(login, Buffer.byteLength(line))
  }

  function recordRegardless(login: string, message: string): void {
    try {
      recordRequired(login, message)
    } catch (error) {
      const line = lineOf(login, message)
      say?.(`not in the audit log (${messageOf(error)}): ${line.trimEnd()}`)
      toSystemLog(`audit: ${line.trimEnd()}`)
      late.add(line)
    }
  }

  function recordRefusal(login: string, message: string): void {
    const over = shares?.countRefusal(login)
    if (over === null) return
    if (over) writeCount(login, over.dropped, over.sinceUtcMs)
    write(lineOf(login, message, longestRefusal))
  }

  function writeCount(login: string, count: number, sinceUtcMs: UtcMs): void {
    if (count > 0) write(lineOf(login, `${count} more refused in the hour from ${isoUtc(sinceUtcMs)}`))
  }

  return {
    record(login, message, kind = "required") {
      if (kind === "required") recordRequired(login, message)
      else if (kind === "regardless") recordRegardless(login, message)
      else recordRefusal(login, message)
    },
    requireRoom(login) {
      if (!shares || shares.hasRoom(login)) return
      throw new Refused("audit log", `${login} has changed too much today; try again tomorrow (UTC)`)
    },
    catchUp() {
      if (late.count() > 0) write("")
      shares?.settle(writeCount)
    },
    late: () => late.count(),
  }
}

/** Appends whole lines only: what a full disk cut off is taken back. */
function append(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text)
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
