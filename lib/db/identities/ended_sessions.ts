/** `ended_sessions`: what AWS issued before an instant and is denied, for as long as any of it could still live. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface EndedSessionsRow {
  /** "": everybody's, where the list of logins did not fit into the role's policy. */
  login: string
  /** By AWS's clock. */
  issuedBeforeUtcMs: UtcMs
  keptUntilUtcMs: UtcMs
}

const columns = `user_name AS login, issued_before_utc_ms AS "issuedBeforeUtcMs", kept_until_utc_ms AS "keptUntilUtcMs"`

export function endedSessions(db: Db) {
  return {
    /** Also forgets what has no session left. */
    current(nowUtcMs: UtcMs): EndedSessionsRow[] {
      db.query("DELETE FROM ended_sessions WHERE kept_until_utc_ms <= ?").run(nowUtcMs)
      return db.query<EndedSessionsRow, []>(`SELECT ${columns} FROM ended_sessions ORDER BY user_name`).all()
    },
    /** The instant before which a login's sessions are denied; null where none is. */
    before: (login: string): UtcMs | null =>
      db
        .query<{ before: UtcMs | null }, [string]>(
          `SELECT MAX(issued_before_utc_ms) AS before FROM ended_sessions WHERE user_name IN (?, '')`,
        )
        .get(login)?.before ?? null,
    put({ login, issuedBeforeUtcMs, keptUntilUtcMs }: EndedSessionsRow): void {
      db.query(
        `INSERT INTO ended_sessions(user_name, issued_before_utc_ms, kept_until_utc_ms) VALUES (?, ?, ?)
         ON CONFLICT (user_name) DO UPDATE SET issued_before_utc_ms = excluded.issued_before_utc_ms,
           kept_until_utc_ms = excluded.kept_until_utc_ms`,
      ).run(login, issuedBeforeUtcMs, keptUntilUtcMs)
    },
  }
}
