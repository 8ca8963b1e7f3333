/** usage.db, opened: its stores share one connection, so that an admission sees the ledger it decides by. */
import { clientTokens } from "./client_tokens.ts"
import { evidenceTable } from "./evidence.ts"
import { freezes } from "./freezes.ts"
import { leases } from "./leases.ts"
import { ledger } from "./ledger.ts"
import { lookups } from "./lookups.ts"
import { notices } from "./notices.ts"
import { oldRows } from "./old_rows.ts"
import { inTransaction, type OpenOptions, openDatabase } from "./open.ts"
import { prices } from "./prices.ts"
import { reservations } from "./reservations.ts"
import { snapshots } from "./snapshots.ts"
import { spotRequests } from "./spot_requests.ts"
import { suspensions } from "./suspensions.ts"
import { usageSteps } from "./usage_schema.ts"

export type UsageDb = ReturnType<typeof openUsageDb>

export function openUsageDb(options: OpenOptions) {
  const db = openDatabase(options, usageSteps)
  const book = ledger(db)
  return {
    path: options.path,
    ledger: book,
    prices: prices(db),
    reservations: reservations(db),
    leases: leases(db),
    clientTokens: clientTokens(db),
    freezes: freezes(db),
    suspensions: suspensions(db),
    notices: notices(db),
    lookups: lookups(db),
    snapshots: snapshots(db),
    oldRows: oldRows(db),
    evidence: evidenceTable(db),
    spotRequests: spotRequests(db),
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
