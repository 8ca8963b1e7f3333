/** Times in which nobody may launch. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface Freeze {
  frozenBy: string
  reason: string
  frozenAtUtcMs: UtcMs
}

export function freezes(db: Db) {
  const current = () =>
    db
      .query<Freeze, []>(
        `SELECT frozen_by AS "frozenBy", reason, frozen_at_utc_ms AS "frozenAtUtcMs" FROM freezes
         WHERE lifted_at_utc_ms IS NULL ORDER BY freeze_id LIMIT 1`,
      )
      .get()
  return {
    /** The one in force, or null. */
    current,
    /** Returns false where one is in force already, which stays. */
    begin({ frozenBy, reason, frozenAtUtcMs }: Freeze): boolean {
      if (current()) return false
      db.query("INSERT INTO freezes(frozen_by, reason, frozen_at_utc_ms) VALUES (?, ?, ?)").run(
        frozenBy,
        reason,
        frozenAtUtcMs,
      )
      return true
    },
    /** Returns false where none was in force. */
    lift(by: string, nowUtcMs: UtcMs): boolean {
      return (
        db
          .query("UPDATE freezes SET lifted_by = ?, lifted_at_utc_ms = ? WHERE lifted_at_utc_ms IS NULL")
          .run(by, nowUtcMs).changes > 0
      )
    },
  }
}
