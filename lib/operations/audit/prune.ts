/** Removes old rows of the audit log; their last hash stays as a checkpoint, and a row says so. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import { pruneMessage } from "../../decisions/audit/chain_check.ts"
import type { AuditLog } from "../../host/files/audit.ts"
import type { AnchorDeps } from "./anchor.ts"
import { verifyLog } from "./verify.ts"

const rowsAtOnce = 5000

/**
 * Writes the rows from before `beforeUtcMs` to `path`, a line of JSON each, and removes them. Refuses where a row does not fit: pruning
 * must not hide it. Returns how many there were.
 */
export async function pruneLog(
  deps: AnchorDeps & { audit: AuditLog },
  beforeUtcMs: UtcMs,
  path: string,
  login: string,
): Promise<{ rows: number; upTo: number }> {
  const { usageDb, audit, clock } = deps
  const { findings } = await verifyLog(deps)
  const [first] = findings
  if (first) throw new Refused("prune", `${first.text}; nothing was removed`)
  const upTo = usageDb.auditRows.lastBefore(beforeUtcMs)
  const [last] = usageDb.auditRows.after(upTo - 1, 1)
  if (!last || last.rowNo !== upTo) return { rows: 0, upTo: usageDb.auditRows.start().rowNo }
  writeRows(deps, upTo, path)
  let writeLine: () => void = () => {}
  const rows = usageDb.transaction(() => {
    const point = { rowNo: last.rowNo, hash: last.hash }
    writeLine = audit.chain(login, pruneMessage(point))
    return usageDb.auditRows.prune({ ...point, prunedAtUtcMs: clock.now(), prunedBy: login })
  })
  writeLine()
  return { rows, upTo }
}

function writeRows({ usageDb }: AnchorDeps, upTo: number, path: string): void {
  let fd: number | undefined
  try {
    fd = openSync(path, "wx", 0o600)
    for (let last = usageDb.auditRows.start().rowNo; last < upTo; ) {
      const rows = usageDb.auditRows.after(last, Math.min(rowsAtOnce, upTo - last))
      if (rows.length === 0) throw new Error("rows were removed meanwhile")
      for (const { rowNo, atUtcMs, host, login, message, hash } of rows) {
        const row = { row: rowNo, at: isoUtc(atUtcMs), host, login, message, sha256: hash }
        writeSync(fd, `${JSON.stringify(row)}\n`)
      }
      last = rows.at(-1)?.rowNo ?? upTo
    }
    fsyncSync(fd)
  } catch (error) {
    throw new Failed(`write ${path}`, messageOf(error), { cause: error })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
