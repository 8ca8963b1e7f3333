/** SQLite behind the stores' seam: bun:sqlite's statements as they are, and transactions that lock first. */
import type { Database } from "bun:sqlite"
import { endFrozenHolders, suspiciousWaitMs } from "../../host/processes/frozen_holders.ts"
import type { Db, Query } from "../db.ts"
import { busyTimeoutMs, explainErrors, isBusy } from "./errors.ts"

// SQLite's own tries lie up to 100 ms apart: whoever comes back at once passes those by who have waited long.
const retryMs = 1

/** `database`, opened with `strict`, so that a parameter without a value is an error. */
export function sqliteDb(database: Database): Db {
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
    transaction: (work) => inTransaction(database, work),
    withoutLock: (work) => database.transaction(work)(),
    close: () => database.close(),
  }
}

/** Runs `work` in one immediate transaction; `work` must be synchronous, since Bun would commit at its first await. */
function inTransaction<T>(database: Database, work: () => T): T {
  if (database.inTransaction) throw new TypeError("a transaction cannot begin inside another one")
  let hasBegun = false
  const transaction = database.transaction(() => {
    hasBegun = true
    database.query(`PRAGMA busy_timeout = ${busyTimeoutMs}`).get()
    const result = work()
    if (result instanceof Promise) throw new TypeError("a transaction cannot wait for a promise")
    return result
  })
  return explainErrors(database.filename, () => {
    const since = performance.now()
    let lookAfterMs = suspiciousWaitMs
    for (;;) {
      database.query("PRAGMA busy_timeout = 0").get()
      try {
        return transaction.immediate()
      } catch (error) {
        const waitedMs = performance.now() - since
        if (hasBegun || !isBusy(error) || waitedMs >= busyTimeoutMs) throw error
        if (waitedMs >= lookAfterMs) {
          lookAfterMs += suspiciousWaitMs
          endFrozenHolders(lockedFiles(database.filename))
        }
      } finally {
        database.query(`PRAGMA busy_timeout = ${busyTimeoutMs}`).get()
      }
      Bun.sleepSync(retryMs)
    }
  })
}

/** SQLite's locks lie on the database and, in WAL mode, on the index of its log. */
export const lockedFiles = (path: string) => [path, `${path}-shm`]
