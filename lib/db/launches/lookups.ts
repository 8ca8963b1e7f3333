/** What AWS said once about images, subnets, groups and parameters, kept so that a launch need not ask again. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export type LookupKind = "image" | "parameter" | "subnet" | "group" | "address" | "type" | "quota"

const mostLookups = 2000

export function lookups(db: Db) {
  return {
    /** Null where it is not known, or was looked up before `sinceUtcMs`. */
    get<T>(kind: LookupKind, key: string, sinceUtcMs: UtcMs): T | null {
      const row = db
        .query<{ value: string }, [string, string, number]>(
          "SELECT value FROM lookups WHERE kind = ? AND key = ? AND looked_up_at_utc_ms >= ?",
        )
        .get(kind, key, sinceUtcMs)
      return row && (JSON.parse(row.value) as T)
    },
    /** Of a kind, all that was looked up since. */
    all: <T>(kind: LookupKind, sinceUtcMs: UtcMs): T[] =>
      db
        .query<{ value: string }, [string, number]>(
          "SELECT value FROM lookups WHERE kind = ? AND looked_up_at_utc_ms >= ? ORDER BY key",
        )
        .all(kind, sinceUtcMs)
        .map(({ value }) => JSON.parse(value) as T),
    set(kind: LookupKind, key: string, value: unknown, nowUtcMs: UtcMs): void {
      db.query(
        `INSERT INTO lookups(kind, key, value, looked_up_at_utc_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value,
           looked_up_at_utc_ms = excluded.looked_up_at_utc_ms`,
      ).run(kind, key, JSON.stringify(value), nowUtcMs)
      // A caller may ask for any of AWS's public images.
      db.query(
        `DELETE FROM lookups WHERE looked_up_at_utc_ms <
           (SELECT looked_up_at_utc_ms FROM lookups ORDER BY looked_up_at_utc_ms DESC LIMIT 1 OFFSET ?)`,
      ).run(mostLookups)
    },
    /** What AWS has, since AWS said that one of it is gone. */
    forget(): void {
      db.exec("DELETE FROM lookups WHERE kind <> 'address'")
    },
  }
}
