/**
 * What closed runs and flat-rate charges cost, by login and day, so that a sum over a million of them takes milliseconds. A cache
 * under one tariff: under another one, and after a change in the past, a login's days are computed again when next asked for.
 */

import { utcMsOf } from "../../base/time.ts"
import {
  add,
  costOfAddress,
  costOfRun,
  extremes,
  nothing,
  type Tariff,
} from "../../decisions/pricing/costs.ts"
import { byDay } from "../../decisions/pricing/days.ts"
import { costOfFlatRate, type FlatRateCharge } from "../../decisions/pricing/flat_rate_charges.ts"
import type { Run } from "../../decisions/usage/runs.ts"
import type { Db } from "../db.ts"
import { type DayCharge, daySums, joined } from "./day_sums.ts"
import type { FlatRates } from "./flat_rate_charges.ts"
import type { Runs } from "./runs.ts"

export function usageSums(db: Db, { runs, flatRates }: { runs: Runs; flatRates: FlatRates }) {
  const addDay = (login: string, day: number, { lowest, highest, instanceMs }: DayCharge) =>
    db
      .query(
        `INSERT INTO usage_days(login, day, lowest_micro_usd, highest_micro_usd, instance_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (login, day) DO UPDATE SET
           lowest_micro_usd = usage_days.lowest_micro_usd + excluded.lowest_micro_usd,
           highest_micro_usd = usage_days.highest_micro_usd + excluded.highest_micro_usd,
           instance_ms = usage_days.instance_ms + excluded.instance_ms`,
      )
      .run(login, day, lowest, highest, instanceMs)

  const addDays = (login: string, { days, unpriced }: Days) => {
    for (const [day, cost] of days) addDay(login, day, cost)
    if (unpriced) db.query("UPDATE usage_sums SET unpriced = unpriced + 1 WHERE login = ?").run(login)
  }

  const rebuild = (tariff: Tariff, login: string) => {
    db.query("DELETE FROM usage_days WHERE login = ?").run(login)
    db.query(
      `INSERT INTO usage_sums(login, tariff, unpriced) VALUES (?, ?, 0)
       ON CONFLICT (login) DO UPDATE SET tariff = excluded.tariff, unpriced = 0`,
    ).run(login, tariff.fingerprint)
    const days = new Map<number, DayCharge>()
    let unpriced = 0
    const collect = (charged: Days) => {
      for (const [day, cost] of charged.days) days.set(day, joined(days.get(day), cost))
      if (charged.unpriced) unpriced++
    }
    for (const run of runs.ofLogin(login)) if (run.end) collect(daysOfRun(tariff, run))
    for (const flatRate of flatRates.ofLogin(login))
      if (flatRate.endLatestUtcMs !== null) collect(daysOfFlatRate(flatRate))
    for (const [day, cost] of days) addDay(login, day, cost)
    db.query("UPDATE usage_sums SET unpriced = ? WHERE login = ?").run(unpriced, login)
  }

  const kept = daySums(db, "usage")
  return {
    ...kept,

    /** How many runs there are to sum up, at the most. */
    runs: (): number =>
      db.query<{ runs: number }, []>("SELECT count(*) AS runs FROM intervals").get()?.runs ?? 0,

    /** Adds what was just closed to its login's days, where these are kept at all. Inside the caller's transaction. */
    addRun(tariff: Tariff, run: Run): void {
      if (isKept(db, tariff, run.login)) addDays(run.login, daysOfRun(tariff, run))
    },

    addFlatRate(tariff: Tariff, flatRate: FlatRateCharge): void {
      if (isKept(db, tariff, flatRate.login)) addDays(flatRate.login, daysOfFlatRate(flatRate))
    },

    /** Makes a login known, before anything of it is added. Inside the caller's transaction. */
    know(login: string): void {
      db.query(
        "INSERT INTO usage_sums(login, tariff, unpriced) VALUES (?, '', 0) ON CONFLICT DO NOTHING",
      ).run(login)
    },

    /** After a change to what was closed already. Inside the caller's transaction. */
    forget(login: string): void {
      db.query("UPDATE usage_sums SET tariff = '' WHERE login = ?").run(login)
    },

    /** Computes what is missing, of a login or, with null, of everybody. Inside the caller's transaction. */
    refresh(tariff: Tariff, login: string | null): void {
      for (const stale of kept.staleLogins(tariff, login)) rebuild(tariff, stale)
    },
  }
}

function isKept(db: Db, tariff: Tariff, login: string): boolean {
  const kept = db
    .query<{ tariff: string }, [string]>("SELECT tariff FROM usage_sums WHERE login = ?")
    .get(login)
  return kept?.tariff === tariff.fingerprint
}

/** The time now, on which nothing closed depends. */
export const whenever = utcMsOf(0)

/** A charge by day; `unpriced`: a part of it is missing, since nobody knows its price. */
export interface Days {
  days: Map<number, DayCharge>
  unpriced: boolean
}

/** The days of a run that is closed: its instance and its address. */
export function daysOfRun(tariff: Tariff, run: Run): Days {
  const { longest } = extremes(run, whenever, tariff.billing)
  let unpriced = false
  const days = byDay(longest, (range) => {
    const ran = costOfRun(tariff, run, whenever, range)
    if (!ran) unpriced = true
    const ms = Math.min(longest.toUtcMs, range.toUtcMs) - Math.max(longest.fromUtcMs, range.fromUtcMs)
    const address = costOfAddress(tariff, run, whenever, range)
    return { ...(ran ? add(ran, address) : address), instanceMs: ms }
  })
  return { days, unpriced }
}

function daysOfFlatRate(flatRate: FlatRateCharge): Days {
  const { startEarliestUtcMs, endLatestUtcMs } = flatRate
  if (endLatestUtcMs === null || flatRate.microUsdPerHour === null) return { days: new Map(), unpriced: true }
  const days = byDay({ fromUtcMs: startEarliestUtcMs, toUtcMs: endLatestUtcMs }, (range) => ({
    ...(costOfFlatRate(flatRate, whenever, range) ?? nothing),
    instanceMs: 0,
  }))
  return { days, unpriced: false }
}
