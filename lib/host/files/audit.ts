/**
 * The audit log: who asked for what, before it happens, and what came of it, after. Its rows are chained by hash in the ledger, for
 * `audit verify`; this host's file has them as lines, for grep and staff.
 */

import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, writeSync } from "node:fs"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { digestedLine, escapeControls } from "../../base/text.ts"
import { type Clock, isoUtc, type UtcMs } from "../../base/time.ts"
import type { AuditEntry } from "../../decisions/audit/chain.ts"
import { hostName } from "../host_name.ts"
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
 * attempt: of a student's wish to end something, and of its failure. As regardless, until the login's share of the day is used up; then as
 * a refusal, so that a login that asks for what does not end fills no disk. What has ended is told as regardless.
 */
export type LineKind = "required" | "regardless" | "refusal" | "attempt"

export interface AuditLog {
  /** Chains a row, appends its line, and has both on disk when it returns. `kind` is "required" unless told. Never inside a transaction. */
  record(login: string, message: string, kind?: LineKind): void
  /**
   * Inside a transaction on the ledger: chains a row with it. Once that is committed, the function that this returns appends the line, as a
   * required one.
   */
  chain(login: string, message: string): () => void
  /** Before something is made: throws Refused where the login's lines of this day (UTC) have used up its share of the disk. */
  requireRoom(login: string): void
  /** Writes and chains what waits, and how many refusals of past hours were only counted. Throws Failed where it cannot. */
  catchUp(): void
  /** How many lines wait to be brought in, or rows to be chained. */
  late(): number
  /** Of these ids of AWS's, the ones that no message of this process has named. */
  unnamed(requestIds: readonly string[]): string[]
  /** The same log over another ledger: where a ledger is moved or replaced. */
  on(chain: () => AuditChain): AuditLog
}

/** The rows of the ledger. */
export interface AuditChain {
  /** Inside the caller's transaction. */
  append(entry: AuditEntry): void
  /** In a transaction of its own; first those that waited. */
  add(entry: AuditEntry | null, late: readonly AuditEntry[]): void
}

export interface AuditOptions {
  /** Opens the ledger; what it throws lets a row wait until the ledger is there. Absent: lines only. */
  chain?: (() => AuditChain) | undefined
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
export function auditLog(path: string, clock: Clock, options: AuditOptions = {}): AuditLog {
  const { chain, waiting, lateDirectories = [], sharesDirectory, say } = options
  const late = lateLines(lateDirectories, "audit-log.late", { clock, waiting })
  const lateRows = lateLines(lateDirectories, "audit-rows.late", { clock, waiting })
  let named = ""
  const shares = sharesDirectory === undefined ? null : auditShares(sharesDirectory, clock)

  function entryOf(login: string, message: string, longest = longestLine): AuditEntry {
    const entry = { atUtcMs: clock.now(), host: hostName(), login: escapeControls(login), message: "" }
    const room = longest - Buffer.byteLength(lineOf(entry))
    for (const [, ids] of message.matchAll(/\(requests? ([^)]*)\)/g)) named += ` ${ids}`
    return { ...entry, message: digestedLine(escapeControls(message), room) }
  }

  /** Throws where the ledger is there and does not take the row, or where a row cannot wait for it. */
  function addToChain(entry: AuditEntry | null): void {
    if (!chain) return
    let rows: AuditChain
    try {
      rows = chain()
    } catch (error) {
      if (entry && !lateRows.add(`${JSON.stringify(entry)}\n`)) throw failure(error)
      return
    }
    lateRows.take((text) => rows.add(entry, entriesIn(text)))
  }

  function write(line: string): void {
    let fd: number | undefined
    try {
      fd = openLockFile(path, constants.O_WRONLY | constants.O_APPEND)
      const held = fd
      waitForLock(held, path, { clock, waiting })
      late.take((waitingLines) => append(held, waitingLines + line))
    } catch (error) {
      throw failure(error)
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  function writeRequired(entry: AuditEntry): void {
    const line = lineOf(entry)
    write(line)
    shares?.spend(entry.login, Buffer.byteLength(line))
  }

  function recordRegardless(entry: AuditEntry): void {
    const line = lineOf(entry)
    const wait = (why: unknown) => {
      say?.(`not in the audit log (${messageOf(why)}): ${line.trimEnd()}`)
      toSystemLog(`audit: ${line.trimEnd()}`)
    }
    let unchained: unknown
    try {
      addToChain(entry)
    } catch (error) {
      unchained = error
      lateRows.add(`${JSON.stringify(entry)}\n`)
    }
    try {
      writeRequired(entry)
      if (unchained !== undefined) wait(unchained)
    } catch (error) {
      wait(error)
      late.add(line)
    }
  }

  function recordRefusal(login: string, message: string): void {
    const over = shares?.countRefusal(login)
    if (over === null) return
    if (over) writeCount(login, over.dropped, over.sinceUtcMs)
    chainAndWrite(entryOf(login, message, longestRefusal))
  }

  /** Never throws. */
  function recordAttempt(login: string, message: string): void {
    try {
      if (shares && !shares.hasRoom(login)) {
        recordRefusal(login, message)
        return
      }
    } catch {
      // A full disk takes no count: below it is told to stderr and syslog.
    }
    recordRegardless(entryOf(login, message))
  }

  function chainAndWrite(entry: AuditEntry): void {
    addToChain(entry)
    write(lineOf(entry))
  }

  function writeCount(login: string, count: number, sinceUtcMs: UtcMs): void {
    if (count > 0)
      chainAndWrite(entryOf(login, `${count} more refused in the hour from ${isoUtc(sinceUtcMs)}`))
  }

  return {
    record(login, message, kind = "required") {
      if (kind === "refusal") return recordRefusal(login, message)
      if (kind === "attempt") return recordAttempt(login, message)
      const entry = entryOf(login, message)
      if (kind === "regardless") return recordRegardless(entry)
      addToChain(entry)
      writeRequired(entry)
    },
    chain(login, message) {
      const entry = entryOf(login, message)
      chain?.().append(entry)
      return () => writeRequired(entry)
    },
    requireRoom(login) {
      if (!shares || shares.hasRoom(login)) return
      throw new Refused("audit log", `${login} has changed too much today; try again tomorrow (UTC)`)
    },
    catchUp() {
      if (lateRows.count() > 0) addToChain(null)
      if (late.count() > 0) write("")
      shares?.settle(writeCount)
    },
    late: () => Math.max(late.count(), lateRows.count()),
    unnamed: (requestIds) => requestIds.filter((id) => !named.includes(id)),
    on: (other) => auditLog(path, clock, { ...options, chain: other }),
  }
}

function failure(error: unknown): Failed {
  return error instanceof Failed ? error : new Failed("audit log", messageOf(error), { cause: error })
}

/** The line of an entry, with its newline. */
export function lineOf({ atUtcMs, login, message }: AuditEntry): string {
  return `${localIso(atUtcMs)}: ${login}: ${message}\n`
}

function entriesIn(text: string): AuditEntry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEntry)
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
