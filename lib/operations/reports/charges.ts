/** Every charge of a login, or of everybody, that falls into a stretch of time: ours and the old tools', in no order. */
import { earliestOf, latestOf, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { Range, Tariff } from "../../decisions/pricing/costs.ts"
import { type Charge, chargeOfFlatRate, chargesOfRun } from "../../decisions/reports/charge.ts"
import { runsOfOld } from "../../decisions/usage/old_runs.ts"

export interface ChargeQuery {
  /** Null: everybody, and nobody. */
  login: string | null
  range: Range
  nowUtcMs: UtcMs
  /** Leaves out what only the old tools recorded and has ended: its sums are kept. */
  withoutOldEnded?: boolean
}

export function* charges(
  { ledger, oldRows }: UsageDb,
  tariff: Tariff,
  { login, range, nowUtcMs, withoutOldEnded = false }: ChargeQuery,
): Generator<Charge> {
  const [fromUtcMs, toUtcMs] = finite(range)
  for (const run of ledger.runs.within(login, fromUtcMs, toUtcMs)) {
    yield* chargesOfRun(tariff, run, nowUtcMs, range)
  }
  const oldRuns = withoutOldEnded ? oldRows.running(login) : oldRows.within(login, fromUtcMs, toUtcMs)
  for (const old of oldRuns) {
    for (const run of runsOfOld(old))
      for (const charge of chargesOfRun(tariff, run, nowUtcMs, range)) {
        const isWithin = run.start.earliestUtcMs < toUtcMs && (run.end?.latestUtcMs ?? toUtcMs) > fromUtcMs
        if (isWithin) yield { ...charge, isOld: true }
      }
  }
  for (const flatRate of ledger.flatRates.within(login, fromUtcMs, toUtcMs)) {
    yield chargeOfFlatRate(flatRate, nowUtcMs, range)
  }
}

/** SQLite takes no infinite integers. */
export function finite({ fromUtcMs, toUtcMs }: Range): [fromUtcMs: UtcMs, toUtcMs: UtcMs] {
  return [latestOf(fromUtcMs, utcMsOf(-farMs)), earliestOf(toUtcMs, utcMsOf(farMs))]
}

const farMs = Number.MAX_SAFE_INTEGER
