/**
 * What the closed rows of the old tables cost, by login and day: the same cache as usage_sums for what only the old tools
 * recorded. Triggers of usage.db note what is changed in those tables, whoever does it.
 */
import type { Database } from "bun:sqlite"
import type { Tariff } from "../decisions/costs.ts"
import { fromOldRun } from "../decisions/intervals.ts"
import { type DayCharge, daySums, joined } from "./day_sums.ts"
import type { OldRows } from "./old_rows.ts"
import { daysOfRun } from "./usage_sums.ts"

export function oldSums(db: Database, oldRows: OldRows) {
  const kept = daySums(db, "old_usage")
  const rebuild = (tariff: Tariff, login: string): void => {
    const days = new Map<number, DayCharge>()
    const unpriced = new Set<string>()
    let isEmpty = true
    for (const row of oldRows.ofLogin(login)) {
      isEmpty = false
      if (row.endUtcMs === null) continue
      const charged = daysOfRun(tariff, fromOldRun(row))
      if (charged.unpriced) unpriced.add(`${row.instanceType} ${row.market}`)
      for (const [day, cost] of charged.days) days.set(day, joined(days.get(day), cost))
    }
    db.query("DELETE FROM old_usage_days WHERE login = ?").run(login)
    if (isEmpty) {
      db.query("DELETE FROM old_usage_sums WHERE login = ?").run(login)
      return
    }
    db.query("INSERT OR REPLACE INTO old_usage_sums VALUES (?, ?, ?)").run(
      login,
      tariff.fingerprint,
      unpriced.size,
    )
    const insert = db.query("INSERT INTO old_usage_days VALUES (?, ?, ?, ?, ?)")
    for (const [day, { lowest, highest, instanceMs }] of days)
      insert.run(login, day, lowest, highest, instanceMs)
  }
  return {
    ...kept,

    /** Computes what is missing, of a login or, with null, of everybody. Inside the caller's transaction. */
    refresh(tariff: Tariff, login: string | null): void {
      for (const stale of kept.staleLogins(tariff, login)) rebuild(tariff, stale)
    },
  }
}
