/** SQLite behind the stores' seam: bun:sqlite's statements as they are, and transactions that lock first. */
import type { Database } from "bun:sqlite"
import { type LockWaiting, retryWhileLocked } from "../../host/processes/lock_wait.ts"
import type { Db, Query } from "../db.ts"
import { busyTimeoutMs, explainErrors, isBusy } from "./errors.ts"

/** `database`, opened with `strict`, so that a parameter without a value is an error. */
export function sqliteDb(database: Database, waiting?: LockWaiting): Db {
  return {
    engine: "sqlite",
    name: database.filename,
    query: <Row, Params extends unknown[] | object>(sql: string) =>
      database.query(sql) as unknown as Query<Row, Params extends unknown[] ? Params : [Params]>,
    exec: (sql) => {
      database.run(sql)
    },
    hasTable: (name) =>
      database.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== null,
    transaction: (work) => inTransaction(database, work, waiting),
    withoutLock: (work) => database.transaction(work)(),
    close: () => database.close(),
  }
}

/**
 * Runs `work` in one immediate transaction; `work` must be synchronous, since Bun would commit at its first await. Tries to begin each
 * millisecond: SQLite's own tries are up to 100 ms apart, so that whoever comes back at once overtakes those who have waited long.
 */
function inTransaction<T>(database: Database, work: () => T, waiting: LockWaiting | undefined): T {
  if (database.inTransaction) throw new TypeError("a transaction cannot begin inside another one")
  let hasBegun = false
  const transaction = database.transaction(() => {
    hasBegun = true
    database.query(`PRAGMA busy_timeout = ${busyTimeoutMs}`).get()
    const result = work()
    if (result instanceof Promise) throw new TypeError("a transaction cannot wait for a promise")
    return result
  })
  const lock = { paths: lockedFiles(database.filename), waiting, timeoutMs: busyTimeoutMs }
  const mayRetry = (error: unknown) => !hasBegun && isBusy(error)
  return explainErrors(database.filename, () =>
    retryWhileLocked(lock, mayRetry, () => {
      database.query("PRAGMA busy_timeout = 0").get()
      try {
        return transaction.immediate()
      } finally {
        database.query(`PRAGMA busy_timeout = ${busyTimeoutMs}`).get()
      }
    }),
  )
}

/** SQLite's locks lie on the database and, in WAL mode, on the index of its log. */
export const lockedFiles = (path: string) => [path, `${path}-shm`]
