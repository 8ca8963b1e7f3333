/** Opens one of the two databases: privately, with the same pragmas everywhere, its schema brought up to date. */
import { Database, SQLiteError } from "bun:sqlite"
import { closeSync, constants, openSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { Failed, messageOf } from "../base/errors.ts"
import { type Clock, isoUtc } from "../base/time.ts"
import { requirePrivateDirectory, requirePrivateFile } from "../host/files/private_file.ts"
import { endFrozenHolders, suspiciousWaitMs } from "../host/processes/frozen_holders.ts"
import { requireLocal } from "./file_system.ts"
import { migrate, type Step } from "./migrate.ts"

export interface OpenOptions {
  path: string
  clock: Clock
  /** Only init_dbs makes a database: a wrong path must not become an empty ledger. */
  create?: boolean
  /** Told before what keeps a person waiting. */
  say?: ((line: string) => void) | undefined
}

const busyTimeoutMs = 15_000
// SQLite's own tries lie up to 100 ms apart: whoever comes back at once passes those by who have waited long.
const retryMs = 1
// Bun keeps twenty statements prepared; an admission alone has more, and would prepare them all anew each time.
Database.MAX_QUERY_CACHE_SIZE = 500
/** From hundreds of thousands of rows on, bringing a database up to date takes seconds. */
const largeBytes = 32 * 1024 * 1024

/** Opens `path`; throws Failed where it is missing, not private, on a network file system, corrupt, or from the future. */
export function openDatabase(
  { path, clock, create = false, say }: OpenOptions,
  steps: readonly Step[],
): Database {
  requirePrivateParts(path, create)
  requireLocal(dirname(path))
  return explainErrors(path, () => {
    const db = new Database(path, { readwrite: true, create: false, strict: true })
    try {
      endWhoIsFrozen(db)
      db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
      db.run("PRAGMA foreign_keys = ON")
      db.run("PRAGMA journal_mode = WAL")
      db.run("PRAGMA synchronous = FULL")
      migrate(db, steps, isoUtc(clock.now()), () => {
        const { size } = statSync(path)
        if (size > largeBytes)
          say?.(`bringing ${path} up to date (${Math.round(size / 1024 ** 2)} MiB), this once`)
      })
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

/** Whoever was frozen while it closed or recovered the database has it locked against readers, too. */
function endWhoIsFrozen(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${suspiciousWaitMs}`)
  try {
    db.query("PRAGMA schema_version").get()
  } catch (error) {
    if (!isBusy(error)) throw error
    endFrozenHolders(lockedFiles(db.filename))
  }
}

/** Turns SQLite's own errors into one line that says what to do. */
export function explainErrors<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error
    throw new Failed(`database ${path}`, explanation(error), { cause: error })
  }
}

/** Runs `work` in one immediate transaction; `work` must be synchronous, since Bun would commit at its first await. */
export function inTransaction<T>(db: Database, work: () => T): T {
  let hasBegun = false
  const transaction = db.transaction(() => {
    hasBegun = true
    db.query(`PRAGMA busy_timeout = ${busyTimeoutMs}`).get()
    const result = work()
    if (result instanceof Promise) throw new TypeError("a transaction cannot wait for a promise")
    return result
  })
  return explainErrors(db.filename, () => {
    const since = performance.now()
    let lookAfterMs = suspiciousWaitMs
    for (;;) {
      db.query("PRAGMA busy_timeout = 0").get()
      try {
        return transaction.immediate()
      } catch (error) {
        const waitedMs = performance.now() - since
        if (hasBegun || !isBusy(error) || waitedMs >= busyTimeoutMs) throw error
        if (waitedMs >= lookAfterMs) {
          lookAfterMs += suspiciousWaitMs
          endFrozenHolders(lockedFiles(db.filename))
        }
      } finally {
        db.query(`PRAGMA busy_timeout = ${busyTimeoutMs}`).get()
      }
      Bun.sleepSync(retryMs)
    }
  })
}

/** SQLite's locks lie on the database and, in WAL mode, on the index of its log. */
const lockedFiles = (path: string) => [path, `${path}-shm`]

const kindOf = ({ code }: SQLiteError) => code?.split("_").slice(0, 2).join("_")

function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && kindOf(error) === "SQLITE_BUSY"
}

function explanation(error: SQLiteError): string {
  switch (kindOf(error)) {
    case "SQLITE_NOTADB":
    case "SQLITE_CORRUPT":
      return "is damaged or no database; restore it from the nightly backup (docs/backup.md)"
    case "SQLITE_FULL":
      return "the disk is full; nothing was recorded, free some space and run it again"
    case "SQLITE_BUSY":
      return `is locked by another process for more than ${busyTimeoutMs / 1000} s`
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
    case "SQLITE_CANTOPEN":
      return `cannot be opened for writing (${messageOf(error)})`
    default:
      return messageOf(error)
  }
}

function requirePrivateParts(path: string, create: boolean): void {
  try {
    requirePrivateDirectory(dirname(path))
    // O_NONBLOCK: a FIFO in its place must not hang us.
    const flags =
      constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK | (create ? constants.O_CREAT : 0)
    const fd = openSync(path, flags, 0o600)
    try {
      requirePrivateFile(fd, path)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof Failed) throw error
    const { code } = error as NodeJS.ErrnoException
    const reason = code === "ENOENT" ? "does not exist; init_dbs makes it" : messageOf(error)
    throw new Failed(`open ${path}`, reason, { cause: error })
  }
}
