/** Which installation this ledger is. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface InstallationId {
  id: string
  /** When the course's mark at AWS last said nothing against it; null: never asked. */
  lookedAtUtcMs: UtcMs | null
  /** By which machine: a copy of the ledger has to ask for itself. */
  lookedOn: string | null
}

export function installationId(db: Db) {
  const get = () =>
    db
      .query<InstallationId, []>(
        `SELECT installation_id AS id, looked_at_utc_ms AS "lookedAtUtcMs",
           looked_on AS "lookedOn" FROM installation WHERE only_row = 1`,
      )
      .get()
  return {
    /** Null where it has none yet. */
    get: (): InstallationId | null => get(),
    /** Inside the caller's transaction: gives it this id unless it has one, and returns the one that it has. */
    ensure(candidate: string): string {
      db.query(
        "INSERT INTO installation(only_row, installation_id) VALUES (1, ?) ON CONFLICT (only_row) DO NOTHING",
      ).run(candidate)
      return get()?.id ?? candidate
    },
    /** Inside the caller's transaction. */
    looked(atUtcMs: UtcMs, machine: string): void {
      db.query("UPDATE installation SET looked_at_utc_ms = ?, looked_on = ? WHERE only_row = 1").run(
        atUtcMs,
        machine,
      )
    },
  }
}
