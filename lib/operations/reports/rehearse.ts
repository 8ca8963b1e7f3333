/** `usage_report --rehearse FILE`: the ledger's term against another config. */
import { resolve } from "node:path"
import type { Limits } from "../../base/config.ts"
import { toUsd } from "../../base/money.ts"
import { escapeControls, plural } from "../../base/text.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { Range } from "../../decisions/pricing/costs.ts"
import { type Rehearsal, rehearse } from "../../decisions/reports/rehearsal.ts"
import { amountRange } from "../../decisions/reports/text_form.ts"
import { loadConfig } from "../../host/config/config.ts"
import { limitsWithoutGrants } from "../launches/limits.ts"
import { finite } from "./charges.ts"

/** Throws Failed where the other config cannot be read or is not valid. */
export function rehearsed(
  usageDb: UsageDb,
  { path, range, nowUtcMs }: { path: string; range: Range; nowUtcMs: UtcMs },
): Rehearsal {
  const config = loadConfig(resolve(path))
  const [fromUtcMs, toUtcMs] = finite(range)
  const known = new Map<string, Limits>()
  const limitsOfLogin = (login: string) => {
    const limits = known.get(login) ?? limitsWithoutGrants({ config, usageDb }, login)
    known.set(login, limits)
    return limits
  }
  const { defaultMs, maxMs, enforcementMs } = config.leases
  return rehearse(usageDb.ledger.runs.within(null, fromUtcMs, toUtcMs), {
    tariff: usageDb.prices.tariff(config),
    limitsOf: limitsOfLogin,
    courseBudget: config.courseBudget,
    leases: { defaultMs, maxMs, enforcementMs },
    nowUtcMs,
  })
}

export function* rehearsalLines({ starts, refused, cut, spent, saved }: Rehearsal): Generator<string> {
  for (const { run, because, cost } of refused)
    yield escapeControls(
      `${isoUtc(run.start.earliestUtcMs)} ${run.login} ${run.instanceId} (${run.instanceType}) refused: ${because}; cost ${amountRange(cost)}`,
    )
  for (const { run, endsAtUtcMs, cost } of cut)
    yield escapeControls(
      `${isoUtc(endsAtUtcMs)} ${run.login} ${run.instanceId} (${run.instanceType}) ended with its longest lease; cost ${amountRange(cost)} after that`,
    )
  const logins = new Set(refused.map(({ run }) => run.login))
  yield `${plural(refused.length, "start")} of ${starts} refused, of ${plural(logins.size, "login")}; ${plural(cut.length, "run")} ended earlier`
  yield `${amountRange(saved)} of ${amountRange(spent)} not spent`
  const [still] = refused.filter(({ because }) => because.startsWith("course budget"))
  if (still)
    yield `the class stands still from ${isoUtc(still.run.start.earliestUtcMs)}: the course's budget is used up`
  yield* cannotKnow
}

/** What no ledger tells. */
const cannotKnow = [
  "not known: whether a refused student would have asked for less, or later; how long a lease would have been extended",
  "not known: whether an instance was idle; volumes, snapshots and grants are left out; sections are those of today",
]

export function rehearsalJson({ starts, refused, cut, spent, saved }: Rehearsal): object {
  const bounds = ({ lowest, highest }: Rehearsal["spent"]) => ({
    lowest_usd: toUsd(lowest),
    highest_usd: toUsd(highest),
  })
  return {
    starts,
    refused: refused.map(({ run, because, cost }) => ({
      ...{ user: run.login, instance: run.instanceId, type: run.instanceType },
      ...{ at: isoUtc(run.start.earliestUtcMs), because, ...bounds(cost) },
    })),
    cut: cut.map(({ run, endsAtUtcMs, cost }) => ({
      ...{ user: run.login, instance: run.instanceId, type: run.instanceType },
      ...{ at: isoUtc(endsAtUtcMs), ...bounds(cost) },
    })),
    spent: bounds(spent),
    saved: bounds(saved),
    not_known: cannotKnow,
  }
}
