/** Kept sums by login and UTC day, of the ledger's own runs (`usage_…`) or of the old tools' (`old_usage_…`): how they are read. */

import { add, type Bounds, nothing, type Tariff } from "../../decisions/pricing/costs.ts"
import type { Db } from "../db.ts"

/** A sum, with how many charges are missing in it because nobody knows their price. */
export interface Sum extends Bounds {
  unpriced: number
}

/** A day's part of charges, with the time that instances ran in it. */
export interface DayCharge extends Bounds {
  instanceMs: number
}

export function joined(one: DayCharge | undefined, other: DayCharge): DayCharge {
  return one ? { ...add(one, other), instanceMs: one.instanceMs + other.instanceMs } : other
}

/** Whoever reads has had stale logins computed before. */
export function daySums(db: Db, prefix: "usage" | "old_usage") {
  const [dayTable, loginTable] = [`${prefix}_days`, `${prefix}_sums`]
  const staleLogins = ({ fingerprint }: Tariff, login: string | null): string[] =>
    db
      .query<{ login: string }, [string, string | null]>(
        `SELECT login FROM ${loginTable} WHERE tariff <> ?1 AND ${whose(login, 2)}`,
      )
      .all(fingerprint, login)
      .map((row) => row.login)
  return {
    /** Those whose sums are missing, or were made under another tariff. */
    staleLogins,

    /** Every login that has ever been charged for anything. */
    logins(): string[] {
      return db
        .query<{ login: string }, []>(`SELECT login FROM ${loginTable} WHERE login <> ''`)
        .all()
        .map((row) => row.login)
    },

    /** The sums of the days from `fromDay` to before `toDay`, by login. Nobody's is under "". */
    byLogin(fromDay: number, toDay: number): Map<string, Sum> {
      const rows = db
        .query<Sum & { login: string }, [number, number]>(
          `SELECT login, sum(lowest_micro_usd) AS lowest, sum(highest_micro_usd) AS highest, max(unpriced) AS unpriced
           FROM ${loginTable} JOIN ${dayTable} USING (login) WHERE day >= ?1 AND day < ?2 GROUP BY login
           UNION ALL SELECT login, 0, 0, unpriced FROM ${loginTable}
           WHERE unpriced > 0 AND login NOT IN (SELECT login FROM ${dayTable} WHERE day >= ?1 AND day < ?2)`,
        )
        .all(fromDay, toDay)
      return new Map(rows.map(({ login, ...sum }) => [login, sum]))
    },

    /** The sum of a login or, with null, of all that have an owner, from `fromDay` on. */
    since(login: string | null, fromDay: number): Bounds {
      const sum = `SELECT coalesce(sum(lowest_micro_usd), 0) AS lowest, coalesce(sum(highest_micro_usd), 0) AS highest
        FROM ${dayTable} WHERE day >= ?`
      const row =
        login === null
          ? db.query<Bounds, [number]>(`${sum} AND login <> ''`).get(fromDay)
          : db.query<Bounds, [number, string]>(`${sum} AND login = ?`).get(fromDay, login)
      return row ?? nothing
    },

    /** By day, of a login or, with null, of everybody. */
    days(login: string | null, fromDay: number, toDay: number): Map<number, DayCharge> {
      const rows = db
        .query<DayCharge & { day: number }, [number, number, string | null]>(
          `SELECT day, sum(lowest_micro_usd) AS lowest, sum(highest_micro_usd) AS highest,
             sum(instance_ms) AS "instanceMs" FROM ${dayTable}
           WHERE day >= ?1 AND day < ?2 AND ${whose(login, 3)} GROUP BY day`,
        )
        .all(fromDay, toDay, login)
      return new Map(rows.map(({ day, ...cost }) => [day, cost]))
    },
  }
}

/** A condition that an index can serve, which `?2 IS NULL OR …` is not. */
function whose(login: string | null, parameter: number): string {
  return login === null ? `CAST(?${parameter} AS TEXT) IS NULL` : `login = ?${parameter}`
}
