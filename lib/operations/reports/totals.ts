/** What everybody has spent, from the kept sums: a million intervals take a fraction of a second. */
import { costOf } from "../../base/money.ts"
import { msPerDay } from "../../base/time.ts"
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
} from "../../decisions/costs.ts"
import { dayOf } from "../../decisions/days.ts"
import { fromOldRun } from "../../decisions/intervals.ts"
import { priceOf } from "../../decisions/prices.ts"
import { costOfRental } from "../../decisions/rentals.ts"
import { charges } from "./charges.ts"
import { oldLines } from "./user_report.ts"

export interface Total extends Bounds {
  /** How many charges have no price. */
  unpriced: number
}

/** By login, "" being nobody. */
export function totals(usageDb: UsageDb, tariff: Tariff, range: Range, nowUtcMs: number): Map<string, Total> {
  const byLogin = new Map<string, Total>()
  const charge = (login: string, cost: Bounds | null) => {
    const before = byLogin.get(login) ?? { ...nothing, unpriced: 0 }
    byLogin.set(login, { ...add(before, cost ?? nothing), unpriced: before.unpriced + (cost ? 0 : 1) })
  }
  if (!isWholeDays(range)) {
    for (const { login, cost } of charges(usageDb, tariff, { login: null, range, nowUtcMs }))
      charge(login, cost)
    return byLogin
  }
  const { ledger, oldRows, prices, spotRequests } = usageDb
  if (!ledger.sums.isFresh(tariff, null)) usageDb.transaction(() => ledger.sums.refresh(tariff, null))
  for (const [login, sum] of ledger.sums.byLogin(...daysOf(range))) byLogin.set(login, sum)
  for (const run of ledger.intervals.open(null)) {
    const cost = costOfRun(tariff, run, nowUtcMs, range)
    charge(run.login, cost && add(cost, costOfAddress(run, nowUtcMs, range)))
  }
  for (const rental of ledger.rentals.open(null)) charge(rental.login, costOfRental(rental, nowUtcMs, range))
  if (range === always && tariff.billing.granularity === "hour") {
    for (const what of ["finished", "pending"] as const) {
      for (const line of oldLines(usageDb, tariff, what, { login: null, nowUtcMs }))
        charge(line.login, line.cost)
    }
  } else if (range === always && !prices.areKept()) {
    for (const { login, ms, ...offer } of oldRows.times(tariff.billing.minimumMs)) {
      const price = priceOf(tariff.book, { ...offer, ...oldOffer, atUtcMs: nowUtcMs })
      const cost = price === null ? null : costOf(price, ms)
      charge(login, cost === null ? null : { lowest: cost, highest: cost })
    }
    for (const old of oldRows.uncertain()) {
      charge(old.login, costOfRun(tariff, fromOldRun(old), nowUtcMs, range))
    }
  } else {
    for (const old of oldRows.within(null, ...limits(range))) {
      charge(old.login, costOfRun(tariff, fromOldRun(old), nowUtcMs, range))
    }
  }
  if (range === always) {
    for (const { login, instanceType } of spotRequests.open(null)) {
      const price = priceOf(tariff.book, { instanceType, market: "spot", ...oldOffer, atUtcMs: nowUtcMs })
      charge(login, price === null ? null : { lowest: price, highest: price })
    }
  }
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

function limits({ fromUtcMs, toUtcMs }: Range): [from: number, to: number] {
  return [Math.max(fromUtcMs, Number.MIN_SAFE_INTEGER), Math.min(toUtcMs, Number.MAX_SAFE_INTEGER)]
}
