/** The audit log goes on over a restored backup: what was written since stays in the chain. */
import type { Clock } from "../../base/time.ts"
import { openUsageDb, type UsageDb } from "../../db/usage_db.ts"
import type { AuditLog } from "../../host/files/audit.ts"

const rowsAtOnce = 5000

/** Records on the ledger in the file at `path`, which no other part of this process may have open while it is replaced. */
export function recordInto(
  { audit, clock }: { audit: AuditLog; clock: Clock },
  path: string,
  login: string,
  message: string,
): void {
  let db: UsageDb | undefined
  const chain = () => {
    db = openUsageDb({ path, clock })
    return db.auditRows
  }
  try {
    // A damaged ledger takes nothing, and must be replaced all the same.
    audit.on(chain).record(login, message, "regardless")
  } finally {
    db?.close()
  }
}

/**
 * Appends to the copy at `incoming` the rows that the ledger at `path` has beyond it. None where one of them cannot be read, is of another
 * version, or has another chain: `audit verify` then says what was cut off.
 */
export function carryRowsOver(clock: Clock, path: string, incoming: string): void {
  const opened: UsageDb[] = []
  try {
    const [current, copy] = [path, incoming].map((file) => {
      const db = openUsageDb({ path: file, clock })
      opened.push(db)
      return db
    }) as [UsageDb, UsageDb]
    const head = copy.auditRows.head()
    const known = current.auditRows.after(head.rowNo - 1, 1)[0] ?? current.auditRows.start()
    if (head.rowNo > 0 && (known.rowNo !== head.rowNo || known.hash !== head.hash)) return
    copy.transaction(() => {
      for (let last = head.rowNo; ; ) {
        const rows = current.auditRows.after(last, rowsAtOnce)
        copy.auditRows.continueWith(rows)
        last = rows.at(-1)?.rowNo ?? last
        if (rows.length < rowsAtOnce) return
      }
    })
  } catch {
    // Nothing of it was appended.
  } finally {
    for (const db of opened) db.close()
  }
}
