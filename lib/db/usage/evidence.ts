/** What was found out about an instance beside its listings, kept for `usage_report --explain`. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface EvidenceRow {
  instanceId: string
  foundUtcMs: UtcMs
  /** `cloudtrail`, `asked` (when CloudTrail was asked last), `repair`. */
  kind: string
  /** When what it tells of happened; null where it tells of nothing. */
  atUtcMs: UtcMs | null
  text: string
}

export function evidenceTable(db: Db) {
  return {
    /** Unless it is known already. Inside the caller's transaction. */
    add({ instanceId, foundUtcMs, kind, atUtcMs, text }: EvidenceRow): void {
      const known = db
        .query("SELECT 1 FROM evidence WHERE instance_id = ? AND kind = ? AND text = ?")
        .get(instanceId, kind, text)
      if (known && kind !== "asked") return
      if (kind === "asked")
        db.query("DELETE FROM evidence WHERE instance_id = ? AND kind = 'asked'").run(instanceId)
      db.query(
        "INSERT INTO evidence(instance_id, found_utc_ms, kind, at_utc_ms, text) VALUES (?, ?, ?, ?, ?)",
      ).run(instanceId, foundUtcMs, kind, atUtcMs, text)
    },

    of(instanceId: string): EvidenceRow[] {
      return db
        .query<EvidenceRow, [string]>(
          `SELECT instance_id AS "instanceId", found_utc_ms AS "foundUtcMs", kind, at_utc_ms AS "atUtcMs", text
           FROM evidence WHERE instance_id = ? ORDER BY evidence_id`,
        )
        .all(instanceId)
    },

    /**
     * Instances with a run whose bounds are apart, that ended between two instants and that nobody has asked about since `lagMs` after
     * that.
     */
    unasked(sinceUtcMs: UtcMs, untilUtcMs: UtcMs, lagMs: number, limit: number): string[] {
      return db
        .query<{ id: string }, [number, number, number, number]>(
          `SELECT DISTINCT instance_id AS id FROM intervals
           WHERE (start_earliest_utc_ms < start_latest_utc_ms OR end_earliest_utc_ms < end_latest_utc_ms)
             AND end_latest_utc_ms BETWEEN ?1 AND ?2 AND NOT EXISTS (
               SELECT 1 FROM evidence WHERE evidence.instance_id = intervals.instance_id AND kind = 'asked'
                 AND found_utc_ms >= end_latest_utc_ms + ?3)
           LIMIT ?4`,
        )
        .all(sinceUtcMs, untilUtcMs, lagMs, limit)
        .map(({ id }) => id)
    },
  }
}
