/** What was found out about an instance beside its listings, kept for `usage_report --explain`. */
import type { Database } from "bun:sqlite"

export interface EvidenceRow {
  instanceId: string
  foundUtcMs: number
  /** `cloudtrail`, `asked` (nothing was found), `repair`. */
  kind: string
  /** When what it tells of happened; null where it tells of nothing. */
  atUtcMs: number | null
  text: string
}

export function evidenceTable(db: Database) {
  return {
    /** Inside the caller's transaction. */
    add({ instanceId, foundUtcMs, kind, atUtcMs, text }: EvidenceRow): void {
      db.query("INSERT INTO evidence VALUES (NULL, ?, ?, ?, ?, ?)").run(
        instanceId,
        foundUtcMs,
        kind,
        atUtcMs,
        text,
      )
    },

    of(instanceId: string): EvidenceRow[] {
      return db
        .query<EvidenceRow, [string]>(
          `SELECT instance_id AS instanceId, found_utc_ms AS foundUtcMs, kind, at_utc_ms AS atUtcMs, text
           FROM evidence WHERE instance_id = ? ORDER BY evidence_id`,
        )
        .all(instanceId)
    },

    /** Instances with a run whose bounds are apart, that ended since `sinceUtcMs` and that nobody has asked about. */
    unasked(sinceUtcMs: number, limit: number): string[] {
      return db
        .query<{ id: string }, [number, number]>(
          `SELECT DISTINCT instance_id AS id FROM intervals
           WHERE (start_earliest_utc_ms < start_latest_utc_ms OR end_earliest_utc_ms < end_latest_utc_ms)
             AND end_latest_utc_ms >= ? AND instance_id NOT IN (SELECT instance_id FROM evidence WHERE kind <> 'repair')
           LIMIT ?`,
        )
        .all(sinceUtcMs, limit)
        .map(({ id }) => id)
    },
  }
}
