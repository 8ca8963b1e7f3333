/** The hosts of a course: which version each runs, how its clock stands, when its cron last ran. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface CourseHost {
  host: string
  version: string
  seenAtUtcMs: UtcMs
  /** Of the database's clock. */
  clockAheadMs: number
  /** Null where its cron never ran. */
  cronAtUtcMs: UtcMs | null
}

export function hosts(db: Db) {
  return {
    /** Adds a host, or what is new of it; a null `cronAtUtcMs` leaves what is known. Inside the caller's transaction. */
    put({ host, version, seenAtUtcMs, clockAheadMs, cronAtUtcMs }: CourseHost): void {
      db.query(
        `INSERT INTO hosts(host, version, seen_at_utc_ms, clock_ahead_ms, cron_at_utc_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (host) DO UPDATE SET version = excluded.version, seen_at_utc_ms = excluded.seen_at_utc_ms,
           clock_ahead_ms = excluded.clock_ahead_ms,
           cron_at_utc_ms = coalesce(excluded.cron_at_utc_ms, hosts.cron_at_utc_ms)`,
      ).run(host, version, seenAtUtcMs, Math.round(clockAheadMs), cronAtUtcMs)
    },
    all: (): CourseHost[] =>
      db
        .query<CourseHost, []>(
          `SELECT host, version, seen_at_utc_ms AS "seenAtUtcMs", clock_ahead_ms AS "clockAheadMs",
             cron_at_utc_ms AS "cronAtUtcMs" FROM hosts ORDER BY host`,
        )
        .all(),
  }
}
