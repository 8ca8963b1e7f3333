/** `session_failures`: why the last try for a session failed, so that callers who waited for it do not all try again. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface SessionFailure {
  reason: string
  failedAtUtcMs: UtcMs
}

export function sessionFailures(db: Db) {
  return {
    get: (login: string): SessionFailure | null =>
      db
        .query<SessionFailure, [string]>(
          `SELECT reason, failed_at_utc_ms AS "failedAtUtcMs" FROM session_failures WHERE user_name = ?`,
        )
        .get(login),
    put(login: string, reason: string, failedAtUtcMs: UtcMs): void {
      db.query(
        `INSERT INTO session_failures(user_name, reason, failed_at_utc_ms) VALUES (?, ?, ?)
         ON CONFLICT (user_name) DO UPDATE SET reason = excluded.reason, failed_at_utc_ms = excluded.failed_at_utc_ms`,
      ).run(login, reason, failedAtUtcMs)
    },
    remove(login: string): void {
      db.query("DELETE FROM session_failures WHERE user_name = ?").run(login)
    },
  }
}
