/**
 * What the closed rows of the old tables cost, by login and day: the same cache as usage_sums for what only the old tools
 * recorded. Triggers of usage.db note what is changed in those tables, whoever does it.
 */

import type { MicroUsd } from "../../base/money.ts"
import { add, always, type Tariff } from "../../decisions/pricing/costs.ts"
import { type Charge, chargesOfRun } from "../../decisions/reports/charge.ts"
import { runsOfOld } from "../../decisions/usage/old_runs.ts"
import type { Db } from "../db.ts"
import { type DayCharge, daySums, joined } from "../usage/day_sums.ts"
import { daysOfRun, whenever } from "../usage/usage_sums.ts"
import { type NameKey, oldNames } from "./old_names.ts"
import type { OldRows } from "./old_rows.ts"

export function oldSums(db: Db, oldRows: OldRows) {
  const { isNamed, keyIn } = oldNames(db)
  const kept = daySums(db, "old_usage")
  /** Those whose sums are missing, or were made under another tariff. */
  const staleLogins = ({ fingerprint }: Tariff, login: NameKey | null): NameKey[] =>
    db
      .query<{ login: NameKey }, [string, NameKey | null]>(
        `SELECT DISTINCT ${keyIn("login")} AS login FROM old_usage_sums
         WHERE tariff <> ?1 AND ${login === null ? "CAST(?2 AS TEXT) IS NULL" : isNamed("login", 2)}`,
      )
      .all(fingerprint, login)
      .map((row) => row.login)
  const rebuild = (tariff: Tariff, login: NameKey): void => {
    const days = new Map<number, DayCharge>()
    const unpriced = new Set<string>()
    const lines = new Map<string, OldLine>()
    for (const row of oldRows.endedOf(login)) {
      for (const run of runsOfOld(row)) {
        addLine(lines, chargesOfRun(tariff, run, whenever, always)[0])
        const charged = daysOfRun(tariff, run)
        if (charged.unpriced) unpriced.add(`${row.instanceType} ${row.market}`)
        for (const [day, cost] of charged.days) days.set(day, joined(days.get(day), cost))
      }
    }
    for (const table of ["old_usage_days", "old_usage_lines", "old_usage_sums"])
      db.query(`DELETE FROM ${table} WHERE ${isNamed("login", 1)}`).run(login)
    for (const { what, market, microUsdPerHour, hours, cost } of lines.values()) {
      db.query(`INSERT INTO old_usage_lines(login, instance_type, market, micro_usd_per_hour, hours, lowest_micro_usd,
           highest_micro_usd)
         VALUES (CAST(? AS TEXT), ?, ?, ?, ?, ?, ?)`).run(
        login,
        what,
        market,
        microUsdPerHour,
        hours,
        cost?.lowest ?? null,
        cost?.highest ?? null,
      )
    }
    if (!oldRows.has(login)) return
    db.query("INSERT INTO old_usage_sums(login, tariff, unpriced) VALUES (CAST(? AS TEXT), ?, ?)").run(
      login,
      tariff.fingerprint,
      unpriced.size,
    )
    const insert =
      db.query(`INSERT INTO old_usage_days(login, day, lowest_micro_usd, highest_micro_usd, instance_ms)
       VALUES (CAST(? AS TEXT), ?, ?, ?, ?)`)
    for (const [day, { lowest, highest, instanceMs }] of days)
      insert.run(login, day, lowest, highest, instanceMs)
  }
  return {
    ...kept,
    staleLogins,

    /** How many rows there are to sum up, at the most. */
    runs: (): number =>
      db.query<{ runs: number }, []>("SELECT count(*) AS runs FROM instances").get()?.runs ?? 0,

    /** What a login's closed rows come to, as its report says it. Whoever reads has had stale logins computed before. */
    lines(login: string): OldLine[] {
      return db
        .query<LineRow, [string]>(
          `SELECT instance_type AS what, market, micro_usd_per_hour AS "microUsdPerHour", hours, lowest_micro_usd AS lowest,
             highest_micro_usd AS highest FROM old_usage_lines WHERE login = ?`,
        )
        .all(login)
        .map(({ lowest, highest, ...line }) => ({
          ...line,
          cost: lowest === null || highest === null ? null : { lowest, highest },
        }))
    },

    /** Computes what is missing, of a login or, with null, of everybody. Inside the caller's transaction. */
    refresh(tariff: Tariff, login: NameKey | null): void {
      for (const stale of staleLogins(tariff, login)) rebuild(tariff, stale)
    },
  }
}

/** Closed rows of one type, market and price. */
export type OldLine = Pick<Charge, "what" | "market" | "microUsdPerHour" | "hours" | "cost">

type LineRow = Omit<OldLine, "cost"> & { lowest: MicroUsd | null; highest: MicroUsd | null }

function addLine(lines: Map<string, OldLine>, charge: Charge | undefined): void {
  if (!charge) return
  const { what, market, microUsdPerHour, hours, cost } = charge
  const key = `${what} ${market} ${microUsdPerHour}`
  const known = lines.get(key)
  if (!known) {
    lines.set(key, { what, market, microUsdPerHour, hours, cost })
    return
  }
  known.hours += hours
  known.cost = known.cost && cost && add(known.cost, cost)
}
