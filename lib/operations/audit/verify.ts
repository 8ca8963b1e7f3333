/** Whether the audit log is what was written: each row, its end, and this host's file. */
import type { AuditEntry } from "../../decisions/audit/chain.ts"
import { type CheckedChain, chainCheck } from "../../decisions/audit/chain_check.ts"
import { auditCopy } from "../../host/files/audit_copy.ts"
import { hostName } from "../../host/host_name.ts"
import { type AnchorDeps, anchorPlace, storedHeads } from "./anchor.ts"

export interface VerifiedLog extends CheckedChain {
  /** Null where the config names no bucket: what was cut off at the end is not found. */
  place: string | null
  storedHeads: number
  /** Why the bucket proves nothing; null where it does. */
  worthless: string | null
  /** Lines of this host's file that no row explains. */
  unexplainedLines: { count: number; first: string[] }
}

const rowsAtOnce = 5000

/** Reads the stored heads first: rows that are written meanwhile only come after them. `onRow` is told every row. */
export async function verifyLog(
  deps: AnchorDeps,
  onRow: (row: AuditEntry & { rowNo: number }) => void = () => {},
): Promise<VerifiedLog> {
  const { config, usageDb } = deps
  const place = anchorPlace(config)
  const stored = place === null ? { anchors: [], worthless: null } : await storedHeads(deps)
  const copy = auditCopy()
  const host = hostName()
  const start = usageDb.auditRows.start()
  const check = chainCheck(start, stored.anchors)
  for (let last = start.rowNo; ; ) {
    const rows = usageDb.auditRows.after(last, rowsAtOnce)
    for (const row of rows) {
      check.add(row)
      if (row.host === host) copy.add(row)
      onRow(row)
      last = row.rowNo
    }
    if (rows.length < rowsAtOnce) break
  }
  return {
    ...check.finish(),
    place,
    storedHeads: stored.anchors.length,
    worthless: stored.worthless,
    unexplainedLines: await copy.unexplained(config.paths.auditLog),
  }
}
