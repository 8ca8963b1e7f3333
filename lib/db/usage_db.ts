/** usage.db, opened: its stores share one connection, so that an admission sees the ledger it decides by. */
import { inTransaction, type OpenOptions, openDatabase } from "./open.ts"
import { usageSteps } from "./usage_schema.ts"

export type UsageDb = ReturnType<typeof openUsageDb>

export function openUsageDb(options: OpenOptions) {
  const db = openDatabase(options, usageSteps)
  return {
    path: options.path,
    transaction: <T>(work: () => T): T => inTransaction(db, work),
    close: () => db.close(),
  }
}
