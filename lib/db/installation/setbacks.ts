/** Times at which the database was found to have gone back: a backup was restored, or a standby was behind. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface Setback {
  host: string
  foundAtUtcMs: UtcMs
}

export function setbacks(db: Db) {
  return {
    /** The first that is not made up for yet, or null. */
    current: (): Setback | null =>
      db
        .query<Setback, []>(
          `SELECT host, found_at_utc_ms AS "foundAtUtcMs" FROM setbacks WHERE settled_at_utc_ms IS NULL
           ORDER BY setback_id LIMIT 1`,
        )
        .get(),
    /** Inside the caller's transaction. */
    add({ host, foundAtUtcMs }: Setback): void {
      db.query("INSERT INTO setbacks(host, found_at_utc_ms) VALUES (?, ?)").run(host, foundAtUtcMs)
    },
    /** Inside the caller's transaction: everything at AWS has been read and counted since `sinceUtcMs`. */
    settle(sinceUtcMs: UtcMs, nowUtcMs: UtcMs): void {
      db.query(
        "UPDATE setbacks SET settled_at_utc_ms = ? WHERE settled_at_utc_ms IS NULL AND found_at_utc_ms <= ?",
      ).run(nowUtcMs, sinceUtcMs)
    },
  }
}
