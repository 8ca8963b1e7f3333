/** Opens one of the two databases: privately, with the same pragmas everywhere, its schema that of this version. */
import { Database } from "bun:sqlite"
import { closeSync, constants, openSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import { type Clock, isoUtc } from "../../base/time.ts"
import { requirePrivateDirectory, requirePrivateFile } from "../../host/files/private_file.ts"
import { type LockWaiting, retryWhileLocked } from "../../host/processes/lock_wait.ts"
import type { Db } from "../db.ts"
import { migrate, pendingSteps, requireCurrent, type Step } from "../migrate.ts"
import { openInMemory } from "./copy_in_memory.ts"
import { busyTimeoutMs, explainErrors, isBusy } from "./errors.ts"
import { requireLocal } from "./file_system.ts"
import { lockedFiles, sqliteDb } from "./transaction.ts"

export interface FileOptions {
  path: string
  clock: Clock
  /** Only init_dbs makes a database: a wrong path must not become an empty ledger. */
  create?: boolean
  /** Only init_dbs brings one up to date, after a copy; told the steps applied. A database just made gets them all. */
  migrated?: ((steps: string[]) => void) | undefined
  /** Only copying opens a ledger that went on elsewhere. */
  evenMoved?: boolean
  /** Told before what keeps a person waiting. */
  say?: ((line: string) => void) | undefined
  /** Which runs may be ended that keep this process waiting; none by default. */
  waiting?: LockWaiting | undefined
  /** What is deleted is overwritten: it held secrets. */
  secureDelete?: boolean
  /** The content is read from a copy in memory, since the disk is full. What is written to it is lost. */
  inMemory?: boolean
  /** Nothing is changed, not even the kind of journal; writing fails. */
  readOnly?: boolean | undefined
}

// Bun keeps twenty statements prepared; an admission alone has more, and would prepare them all anew each time.
Database.MAX_QUERY_CACHE_SIZE = 500
/** From hundreds of thousands of rows on, bringing a database up to date takes seconds. */
const largeBytes = 32 * 1024 * 1024

/** Opens `path`; throws Failed where it is missing, not private, on a network file system, corrupt, from the future or of the past. */
export function openDatabase(options: FileOptions, steps: readonly Step[]): Db {
  const { path, create = false, inMemory = false, readOnly = false } = options
  requirePrivateParts(path, { create, readOnly: inMemory || readOnly })
  requireLocal(dirname(path))
  return explainErrors(path, () =>
    inMemory ? openInMemory(path, (copy) => opened(copy, options, steps)) : opened(path, options, steps),
  )
}

function opened(path: string, options: FileOptions, steps: readonly Step[]): Db {
  const {
    clock,
    create = false,
    evenMoved = false,
    migrated,
    say,
    waiting,
    secureDelete,
    inMemory,
    readOnly,
  } = options
  const access = readOnly ? { readonly: true } : { readwrite: true, create: false }
  const database = new Database(path, { ...access, strict: true })
  try {
    waitUntilReadable(database, waiting)
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    database.run("PRAGMA foreign_keys = ON")
    if (!readOnly) {
      database.run(`PRAGMA journal_mode = ${inMemory ? "MEMORY" : "WAL"}`)
      database.run("PRAGMA synchronous = FULL")
      if (secureDelete) database.run("PRAGMA secure_delete = ON")
    }
    const db = sqliteDb(database, waiting)
    if (!create && migrated === undefined) {
      requireCurrent(db, steps, clock.now(), { evenMoved })
      return db
    }
    const done = migrate(db, steps, isoUtc(clock.now()), () => {
      const { size } = statSync(path)
      if (size > largeBytes)
        say?.(`bringing ${path} up to date (${Math.round(size / 1024 ** 2)} MiB), this once`)
    })
    migrated?.(done)
    return db
  } catch (error) {
    database.close()
    throw error
  }
}

/** The names of the steps that the database at `path` lacks, without applying them. */
export function missingSteps(path: string, steps: readonly Step[]): string[] {
  const database = new Database(path, { readonly: true })
  try {
    return pendingSteps(sqliteDb(database), steps).map(({ name }) => name)
  } finally {
    database.close()
  }
}

/** A run that closes or recovers the database has it locked against readers, too. */
function waitUntilReadable(database: Database, waiting: LockWaiting | undefined): void {
  database.run("PRAGMA busy_timeout = 0")
  const lock = { paths: lockedFiles(database.filename), waiting, timeoutMs: busyTimeoutMs }
  retryWhileLocked(lock, isBusy, () => database.query("PRAGMA schema_version").get())
}

function requirePrivateParts(
  path: string,
  { create, readOnly }: { create: boolean; readOnly: boolean },
): void {
  try {
    requirePrivateDirectory(dirname(path))
    // O_NONBLOCK: a FIFO in its place must not hang us.
    const { O_RDONLY, O_RDWR, O_NOFOLLOW, O_NONBLOCK, O_CREAT } = constants
    const access = readOnly ? O_RDONLY : O_RDWR
    const fd = openSync(path, access | O_NOFOLLOW | O_NONBLOCK | (create ? O_CREAT : 0), 0o600)
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
