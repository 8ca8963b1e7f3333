/** Spending by day, week or assignment. */

import type { Config } from "../../base/config.ts"
import { UsageError } from "../../base/errors.ts"
import { earliestOf, isoUtc, later, latestOf, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import {
  add,
  type Bounds,
  extremes,
  nothing,
  type Range,
  type Tariff,
} from "../../decisions/pricing/costs.ts"
import { dayName, dayOf, dayParts, startOfDay, unevenDays } from "../../decisions/pricing/days.ts"
import { type Charge, chargeOfFlatRate, chargesOfRun } from "../../decisions/reports/charge.ts"
import { sumOf } from "../../decisions/reports/text_form.ts"
import { runsOfOld } from "../../decisions/usage/old_runs.ts"
import { refreshSums } from "../usage/sums.ts"
import { charges } from "./charges.ts"
import { daysOf, totals } from "./totals.ts"

export interface DaySum extends Bounds {
  /** Of instances that ran: 24 hours are one instance all day. */
  instanceMs: number
}

export interface Scope {
  /** Null: everybody, and nobody. */
  login: string | null
  range: Range
  nowUtcMs: UtcMs
}

/** By day's number, days without anything left out. */
export function daySumsOf(
  usageDb: UsageDb,
  tariff: Tariff,
  { login, range, nowUtcMs }: Scope,
): Map<number, DaySum> {
  const { ledger, oldRows } = usageDb
  refreshSums(usageDb, tariff, login)
  const { whole, edges } = dayParts(range)
  const [fromDay, toDay] = daysOf(whole)
  const days = ledger.sums.days(login, fromDay, toDay)
  const charge = (day: number, cost: Bounds, instanceMs: number) => {
    const before = days.get(day) ?? { ...nothing, instanceMs: 0 }
    days.set(day, { ...add(before, cost), instanceMs: before.instanceMs + instanceMs })
  }
  for (const [day, { instanceMs, ...cost }] of ledger.oldSums.days(login, fromDay, toDay))
    charge(day, cost, instanceMs)
  for (const run of ledger.runs.open(login)) {
    chargeDays({ fromUtcMs: run.start.earliestUtcMs, toUtcMs: nowUtcMs }, (day) =>
      chargesOfRun(tariff, run, nowUtcMs, day),
    )
  }
  for (const flatRate of ledger.flatRates.open(login)) {
    chargeDays({ fromUtcMs: flatRate.startEarliestUtcMs, toUtcMs: nowUtcMs }, (day) => [
      chargeOfFlatRate(flatRate, nowUtcMs, day),
    ])
  }
  for (const run of oldRows.running(login).flatMap(runsOfOld)) {
    chargeDays(
      extremes(run, nowUtcMs, tariff.billing).longest,
      (day) => chargesOfRun(tariff, run, nowUtcMs, day),
      unevenDays(tariff, run, nowUtcMs),
    )
  }
  for (const edge of edges) {
    for (const { cost, kind, ms } of charges(usageDb, tariff, { login, range: edge, nowUtcMs }))
      charge(dayOf(edge.fromUtcMs), cost ?? nothing, kind === "instance" ? ms : 0)
  }
  return new Map([...days].sort(([one], [other]) => one - other))

  /** With `uneven`, a day that is not in it is charged as the one before it. */
  function chargeDays(span: Range, chargesOf: (day: Range) => Charge[], uneven?: Set<number>): void {
    const firstDay = dayOf(span.fromUtcMs)
    const last = Math.min(Math.max(firstDay, dayOf(later(span.toUtcMs, -1))), toDay - 1)
    let found: Charge[] | undefined
    for (let day = Math.max(firstDay, fromDay); day <= last; day++) {
      if (!found || !uneven || uneven.has(day) || uneven.has(day - 1))
        found = chargesOf({ fromUtcMs: startOfDay(day), toUtcMs: startOfDay(day + 1) })
      for (const { cost, kind, ms } of found) charge(day, cost ?? nothing, kind === "instance" ? ms : 0)
    }
  }
}

export interface Period extends Bounds {
  name: string
}

/** An assignment counts as far as it falls into the range. */
export function periods(
  usageDb: UsageDb,
  tariff: Tariff,
  scope: Scope,
  by: "day" | "week" | "assignment",
  assignments: Config["course"]["assignments"],
): Period[] {
  if (by === "assignment") {
    const named = Object.entries(assignments)
    if (named.length === 0)
      throw new UsageError("options", "--by assignment: the config has no [assignments]")
    return named.flatMap(([name, { startUtcMs, endUtcMs }]) => {
      const range = {
        fromUtcMs: latestOf(startUtcMs, scope.range.fromUtcMs),
        toUtcMs: earliestOf(endUtcMs, scope.range.toUtcMs),
      }
      if (range.fromUtcMs >= range.toUtcMs) return []
      return [{ name, ...sumIn(usageDb, tariff, { ...scope, range }) }]
    })
  }
  const sums = new Map<string, Bounds>()
  for (const [day, cost] of daySumsOf(usageDb, tariff, scope)) {
    // 1970-01-01 was a Thursday: weeks begin on Mondays.
    const name = by === "day" ? dayName(day) : `week of ${dayName(day - ((day + 3) % 7))}`
    sums.set(name, add(sums.get(name) ?? nothing, cost))
  }
  return [...sums].map(([name, cost]) => ({ name, ...cost }))
}

/** How many charges in the scope have no price: they are in no period's sum. */
export function unpricedIn(usageDb: UsageDb, tariff: Tariff, scope: Scope): number {
  if (scope.login !== null)
    return [...charges(usageDb, tariff, scope)].filter(({ cost }) => cost === null).length
  const byLogin = totals(usageDb, tariff, scope.range, scope.nowUtcMs)
  return [...byLogin.values()].reduce((sum, { unpriced }) => sum + unpriced, 0)
}

function sumIn(usageDb: UsageDb, tariff: Tariff, scope: Scope): Bounds {
  if (scope.login === null) return sumOf([...totals(usageDb, tariff, scope.range, scope.nowUtcMs).values()])
  return sumOf([...charges(usageDb, tariff, scope)].map(({ cost }) => cost))
}

/** `2026-09-01T00:00:00Z to 2026-09-08T00:00:00Z`, for a heading; "" where the range is everything. */
export function rangeName({ fromUtcMs, toUtcMs }: Range): string {
  const from = Number.isFinite(fromUtcMs) ? ` from ${isoUtc(fromUtcMs)}` : ""
  const to = Number.isFinite(toUtcMs) ? ` to ${isoUtc(toUtcMs)}` : ""
  return from + to
}
