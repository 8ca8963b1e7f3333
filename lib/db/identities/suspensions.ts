/** Logins that may use nothing for the time being. They outlive the account: deleting and making it anew lifts nothing. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface Suspension {
  login: string
  suspendedBy: string
  reason: string
  suspendedAtUtcMs: UtcMs
  /** The access keys that the suspension made inactive, and lifting it makes active again. */
  deactivatedKeys: string[]
}

type Row = Omit<Suspension, "deactivatedKeys"> & { deactivatedKeys: string }

const columns = `login, suspended_by AS "suspendedBy", reason, suspended_at_utc_ms AS "suspendedAtUtcMs",
  deactivated_keys AS "deactivatedKeys"`

export function suspensions(db: Db) {
  /** The one in force; one from before `termStartUtcMs` was somebody else's, since logins are reused from term to term. */
  const current = (login: string, termStartUtcMs: UtcMs | null): Suspension | null => {
    const row = db
      .query<Row, [string, number]>(
        `SELECT ${columns} FROM suspensions
         WHERE login = ? AND lifted_at_utc_ms IS NULL AND suspended_at_utc_ms >= ? ORDER BY suspension_id LIMIT 1`,
      )
      .get(login, termStartUtcMs ?? 0)
    return row && { ...row, deactivatedKeys: JSON.parse(row.deactivatedKeys) as string[] }
  }
  return {
    current,
    all(termStartUtcMs: UtcMs | null): Suspension[] {
      return db
        .query<Row, [number]>(
          `SELECT ${columns} FROM suspensions WHERE lifted_at_utc_ms IS NULL AND suspended_at_utc_ms >= ? ORDER BY login`,
        )
        .all(termStartUtcMs ?? 0)
        .map((row) => ({ ...row, deactivatedKeys: JSON.parse(row.deactivatedKeys) as string[] }))
    },
    /** Whether anybody was ever suspended: a course where nobody was has nothing of a suspension at AWS. */
    hasAny: (): boolean => db.query("SELECT 1 FROM suspensions LIMIT 1").get() != null,
    begin({ login, suspendedBy, reason, suspendedAtUtcMs }: Omit<Suspension, "deactivatedKeys">): void {
      db.query(
        "INSERT INTO suspensions(login, suspended_by, reason, suspended_at_utc_ms) VALUES (?, ?, ?, ?)",
      ).run(login, suspendedBy, reason, suspendedAtUtcMs)
    },
    setDeactivatedKeys(login: string, keys: string[]): void {
      db.query(
        "UPDATE suspensions SET deactivated_keys = ? WHERE login = ? AND lifted_at_utc_ms IS NULL",
      ).run(JSON.stringify(keys), login)
    },
    lift(login: string, by: string, nowUtcMs: UtcMs): boolean {
      return (
        db
          .query(
            "UPDATE suspensions SET lifted_by = ?, lifted_at_utc_ms = ? WHERE login = ? AND lifted_at_utc_ms IS NULL",
          )
          .run(by, nowUtcMs, login).changes > 0
      )
    },
  }
}
