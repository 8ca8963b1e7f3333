/** The keys of config.toml that money depends on, as the hosts of a course agreed on them. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export function agreedConfig(db: Db) {
  return {
    /** JSON by key; null before any host has said what it has. */
    get(): Record<string, string> | null {
      const row = db.query<{ terms: string }, []>("SELECT terms FROM agreed_config").get()
      return row && (JSON.parse(row.terms) as Record<string, string>)
    },
    /** Inside the caller's transaction. */
    accept(terms: Record<string, string>, by: string, nowUtcMs: UtcMs): void {
      db.query(
        `INSERT INTO agreed_config(only_row, terms, accepted_by, accepted_at_utc_ms) VALUES (1, ?, ?, ?)
         ON CONFLICT (only_row) DO UPDATE SET terms = excluded.terms, accepted_by = excluded.accepted_by,
           accepted_at_utc_ms = excluded.accepted_at_utc_ms`,
      ).run(JSON.stringify(terms), by, nowUtcMs)
    },
  }
}
