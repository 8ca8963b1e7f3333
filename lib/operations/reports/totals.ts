/** What everybody has spent, from the kept sums: a million runs take a fraction of a second. */
import { msPerDay, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import {
  add,
  always,
  type Bounds,
  costOfAddress,
  costOfRun,
  nothing,
  type Range,
  type Tariff,
} from "../../decisions/pricing/costs.ts"
import { dayOf, dayParts } from "../../decisions/pricing/days.ts"
import { costOfFlatRate } from "../../decisions/pricing/flat_rate_charges.ts"
import { priceOf } from "../../decisions/pricing/prices.ts"
import { runsOfOld } from "../../decisions/usage/old_runs.ts"
import { refreshSums } from "../usage/sums.ts"
import { type ChargeQuery, charges } from "./charges.ts"
import { includesNow, oldLines } from "./user_report.ts"

export interface Total extends Bounds {
  /** How many charges have no price. */
  unpriced: number
}

/** By login, "" being nobody. */
export function totals(usageDb: UsageDb, tariff: Tariff, range: Range, nowUtcMs: UtcMs): Map<string, Total> {
  const sumUp = isWholeDays(range) ? totalsOfWholeDays : totalsOfPartDays
  const byLogin = sumUp(usageDb, tariff, range, nowUtcMs)
  if (range !== always) countUnpriced(byLogin, usageDb, tariff, range, nowUtcMs)
  if (includesNow(range)) addPending(byLogin, usageDb, tariff, nowUtcMs)
  return byLogin
}

function countUnpriced(
  byLogin: Map<string, Total>,
  usageDb: UsageDb,
  tariff: Tariff,
  range: Range,
  nowUtcMs: UtcMs,
): void {
  // The sums say that a charge has no price, not when it was; and it counts once, whatever days it spans.
  for (const [login, { unpriced }] of [...byLogin]) {
    if (unpriced === 0) continue
    byLogin.delete(login)
    addCharges(byLogin, usageDb, tariff, { login, range, nowUtcMs })
  }
}

function addPending(byLogin: Map<string, Total>, usageDb: UsageDb, tariff: Tariff, nowUtcMs: UtcMs): void {
  for (const { login, instanceType } of usageDb.spotRequests.open(null)) {
    const offer = { instanceType, market: "spot" as const, ...oldOffer, atUtcMs: nowUtcMs }
    const price = priceOf(tariff.book, offer)
    charge(byLogin, login, price === null ? null : { lowest: price, highest: price })
  }
}

function charge(byLogin: Map<string, Total>, login: string, cost: Bounds | null): void {
  const before = byLogin.get(login) ?? { ...nothing, unpriced: 0 }
  byLogin.set(login, { ...add(before, cost ?? nothing), unpriced: before.unpriced + (cost ? 0 : 1) })
}

function addCharges(byLogin: Map<string, Total>, usageDb: UsageDb, tariff: Tariff, query: ChargeQuery): void {
  for (const { login, cost } of charges(usageDb, tariff, query)) charge(byLogin, login, cost)
}

function totalsOfWholeDays(
  usageDb: UsageDb,
  tariff: Tariff,
  range: Range,
  nowUtcMs: UtcMs,
): Map<string, Total> {
  const byLogin = new Map<string, Total>()
  const { ledger, oldRows } = usageDb
  refreshSums(usageDb, tariff, null)
  for (const [login, sum] of ledger.sums.byLogin(...daysOf(range))) byLogin.set(login, sum)
  for (const run of ledger.runs.open(null)) {
    charge(byLogin, run.login, costOfRun(tariff, run, nowUtcMs, range))
    charge(byLogin, run.login, costOfAddress(tariff, run, nowUtcMs, range))
  }
  for (const flatRate of ledger.flatRates.open(null))
    charge(byLogin, flatRate.login, costOfFlatRate(flatRate, nowUtcMs, range))
  if (range === always && tariff.billing.granularity === "hour") {
    for (const what of ["finished", "pending"] as const) {
      for (const line of oldLines(usageDb, tariff, what, { login: null, nowUtcMs }))
        charge(byLogin, line.login, line.cost)
    }
  } else {
    for (const [login, sum] of ledger.oldSums.byLogin(...daysOf(range))) {
      const before = byLogin.get(login) ?? { ...nothing, unpriced: 0 }
      byLogin.set(login, { ...add(before, sum), unpriced: before.unpriced + sum.unpriced })
    }
    for (const old of oldRows.running(null)) {
      for (const run of runsOfOld(old)) charge(byLogin, run.login, costOfRun(tariff, run, nowUtcMs, range))
    }
  }
  return byLogin
}

/** Whole days from the kept sums, and only what lies at the two edges charge by charge. */
function totalsOfPartDays(
  usageDb: UsageDb,
  tariff: Tariff,
  range: Range,
  nowUtcMs: UtcMs,
): Map<string, Total> {
  const byLogin = new Map<string, Total>()
  const { whole, edges } = dayParts(range)
  if (whole.fromUtcMs < whole.toUtcMs)
    for (const [login, total] of totalsOfWholeDays(usageDb, tariff, whole, nowUtcMs))
      byLogin.set(login, total)
  for (const edge of edges) addCharges(byLogin, usageDb, tariff, { login: null, range: edge, nowUtcMs })
  return byLogin
}

/** The old tools knew one region, and Linux. */
const oldOffer = { region: "us-east-1", usageOperation: "" }

function isWholeDays({ fromUtcMs, toUtcMs }: Range): boolean {
  return [fromUtcMs, toUtcMs].every((utcMs) => !Number.isFinite(utcMs) || utcMs % msPerDay === 0)
}

/** The days of a range; SQLite takes no infinite integers. */
export function daysOf({ fromUtcMs, toUtcMs }: Range): [from: number, to: number] {
  return [
    Number.isFinite(fromUtcMs) ? dayOf(fromUtcMs) : Number.MIN_SAFE_INTEGER,
    Number.isFinite(toUtcMs) ? dayOf(toUtcMs) : Number.MAX_SAFE_INTEGER,
  ]
}
