/** usage.db, opened: its stores share one connection, so that an admission sees the ledger it decides by. */
import { ledger } from "./ledger.ts"
import { inTransaction, type OpenOptions, openDatabase } from "./open.ts"
import { prices } from "./prices.ts"
import { usageSteps } from "./usage_schema.ts"

export type UsageDb = ReturnType<typeof openUsageDb>

export function openUsageDb(options: OpenOptions) {
  const db = openDatabase(options, usageSteps)
  const book = ledger(db)
  return {
    path: options.path,
    ledger: book,
    prices: prices(db),
    transaction<T>(work: () => T): T {
      try {
        return inTransaction(db, work)
      } catch (error) {
        book.rolledBack()
        throw error
      }
    },
    close: () => db.close(),
  }
}
