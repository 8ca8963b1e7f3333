/** The audit log's rows, chained by hash: all of a course's hosts append to one chain, under the ledger's lock. */
import type { UtcMs } from "../../base/time.ts"
import {
  type AuditEntry,
  type AuditRow,
  type ChainPoint,
  chained,
  chainStart,
} from "../../decisions/audit/chain.ts"
import type { Db } from "../db.ts"

/** A head that was stored where the account's key cannot change it. */
export interface Anchored extends ChainPoint {
  /** `s3://BUCKET`. */
  place: string
  anchoredAtUtcMs: UtcMs
}

export interface Checkpoint extends ChainPoint {
  prunedAtUtcMs: UtcMs
  prunedBy: string
}

const columns = `row_no AS "rowNo", at_utc_ms AS "atUtcMs", host, login, message, hash`

export function auditRows(db: Db) {
  /** The newest; null where nothing was pruned. */
  const checkpoint = () =>
    db
      .query<Checkpoint, []>(
        `SELECT row_no AS "rowNo", hash, pruned_at_utc_ms AS "prunedAtUtcMs", pruned_by AS "prunedBy"
         FROM audit_checkpoints ORDER BY row_no DESC LIMIT 1`,
      )
      .get()
  const start = (): ChainPoint => checkpoint() ?? chainStart
  const head = (): ChainPoint =>
    db
      .query<ChainPoint, []>(`SELECT row_no AS "rowNo", hash FROM audit_rows ORDER BY row_no DESC LIMIT 1`)
      .get() ?? start()
  const append = (entry: AuditEntry): AuditRow => {
    const row = chained(head(), entry)
    insert(row)
    return row
  }
  const insert = ({ rowNo, atUtcMs, host, login, message, hash }: AuditRow) =>
    db
      .query(
        "INSERT INTO audit_rows(row_no, at_utc_ms, host, login, message, hash) VALUES (?, ?, ?, ?, ?, ?)",
      )
      .run(rowNo, atUtcMs, host, login, message, hash)
  const isThere = ({ atUtcMs, host, login, message }: AuditEntry) =>
    db
      .query("SELECT 1 AS n FROM audit_rows WHERE at_utc_ms = ? AND host = ? AND login = ? AND message = ?")
      .get(atUtcMs, host, login, message) !== null
  return {
    /** Where the chain begins: after what was pruned, or at its start. */
    start,
    checkpoint,
    /** The last row; where there is none, where the chain begins. */
    head,
    /** Inside the caller's transaction. */
    append,
    /**
     * In a transaction of its own: first the rows that had to wait, except those that are there already because whoever brought them in
     * died before it could say so.
     */
    add(entry: AuditEntry | null, late: readonly AuditEntry[] = []): void {
      db.transaction(() => {
        for (const one of late) if (!isThere(one)) append(one)
        if (entry) append(entry)
      }, head)
    },
    /** At most `most` rows after `rowNo`, in their order. */
    after: (rowNo: number, most: number): AuditRow[] =>
      db
        .query<AuditRow, [number, number]>(
          `SELECT ${columns} FROM audit_rows WHERE row_no > ? ORDER BY row_no LIMIT ?`,
        )
        .all(rowNo, most),
    /** The number of the last row from before `utcMs`, 0 where there is none. Rows that had to wait are later than their time. */
    lastBefore: (utcMs: UtcMs): number => {
      const [first] = db
        .query<{ n: number | null }, [number]>("SELECT min(row_no) AS n FROM audit_rows WHERE at_utc_ms >= ?")
        .all(utcMs)
      return first?.n == null ? head().rowNo : first.n - 1
    },
    /** Removes the rows up to `upTo`, whose hash stays. Inside the caller's transaction. */
    prune({ rowNo, hash, prunedAtUtcMs, prunedBy }: Checkpoint): number {
      db.query(
        "INSERT INTO audit_checkpoints(row_no, hash, pruned_at_utc_ms, pruned_by) VALUES (?, ?, ?, ?)",
      ).run(rowNo, hash, prunedAtUtcMs, prunedBy)
      return db.query("DELETE FROM audit_rows WHERE row_no <= ?").run(rowNo).changes
    },
    /** Of a ledger that is replaced: what it has beyond this one's head, as far as it follows. Inside the caller's transaction. */
    continueWith(rows: readonly AuditRow[]): void {
      for (const row of rows) insert(row)
    },
    anchored: (): Anchored | null =>
      db
        .query<Anchored, []>(
          `SELECT row_no AS "rowNo", hash, place, anchored_at_utc_ms AS "anchoredAtUtcMs" FROM audit_anchored`,
        )
        .get(),
    /** Inside the caller's transaction. */
    setAnchored({ rowNo, hash, place, anchoredAtUtcMs }: Anchored): void {
      db.query(
        `INSERT INTO audit_anchored(only_row, row_no, hash, place, anchored_at_utc_ms) VALUES (1, ?, ?, ?, ?)
         ON CONFLICT (only_row) DO UPDATE SET row_no = excluded.row_no, hash = excluded.hash,
           place = excluded.place, anchored_at_utc_ms = excluded.anchored_at_utc_ms`,
      ).run(rowNo, hash, place, anchoredAtUtcMs)
    },
  }
}

export type AuditRows = ReturnType<typeof auditRows>
