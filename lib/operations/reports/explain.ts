/** Everything that is known of one instance's runs, and how it is known. */

import { Failed, Refused, UsageError } from "../../base/errors.ts"
import { times } from "../../base/money.ts"
import { escapeControls, plural, quoted } from "../../base/text.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { always, costOfRun, type Tariff } from "../../decisions/pricing/costs.ts"
import { priceOf } from "../../decisions/pricing/prices.ts"
import { chargesOfRun } from "../../decisions/reports/charge.ts"
import { amountOf, sumOf } from "../../decisions/reports/text_form.ts"
import { runsOfOld } from "../../decisions/usage/old_runs.ts"
import { type Instant, isExact, type Run } from "../../decisions/usage/runs.ts"
import type { Caller } from "../../host/caller/caller.ts"

export interface Explanation {
  instance: string
  user: string
  runs: {
    type: string
    market: string
    zone: string
    start: string
    end: string
    cost: string
    price: string
    /** What of these bounds a report without dates counts, and why; absent where it counts them as they are. */
    counted?: string
  }[]
  evidence: { found: string; text: string }[]
}

export function explain(
  usageDb: UsageDb,
  tariff: Tariff,
  { instanceId, caller, nowUtcMs }: { instanceId: string; caller: Caller; nowUtcMs: UtcMs },
): Explanation {
  if (!/^i-[0-9a-zA-Z-]{1,40}$/.test(instanceId)) {
    throw new UsageError("explain", `${quoted(instanceId)} is no instance's id`)
  }
  const old = usageDb.oldRows.ofInstance(instanceId)
  const runs: Run[] = usageDb.ledger.runs.ofInstance(instanceId)
  const oldRuns = old ? runsOfOld(old) : []
  runs.push(...oldRuns)
  const login = runs[0]?.login ?? usageDb.oldRows.loginOf(instanceId)
  const mayKnow = caller.isStaff || login === caller.login
  if (!mayKnow) throw new Refused("explain", `${instanceId} is not an instance of ${caller.login}`)
  if (login === null) throw new Failed("explain", `${instanceId} is not in the ledger`)
  return {
    instance: instanceId,
    user: login,
    runs: runs.map((run) => {
      const charges = chargesOfRun(tariff, run, nowUtcMs, always)
      const { microUsdPerHour, priceSource } = charges[0] ?? {}
      return {
        type: run.instanceType,
        market: run.market,
        zone: run.zone,
        start: instantText(run.start),
        end: run.end ? instantText(run.end) + (run.endedByEc2 ? ", taken back by EC2" : "") : "still running",
        cost: charges.map(({ kind, cost }) => `${kind} ${cost ? amountOf(cost) : "unpriced"}`).join(", "),
        price:
          typeof microUsdPerHour === "number"
            ? `$${microUsdPerHour / 1e6}/h at the start, by ${priceSource}`
            : "no price is known",
        ...(run === oldRuns.at(-1) && countedAsOfOld(usageDb, tariff, oldRuns, nowUtcMs)),
      }
    }),
    evidence: usageDb.evidence
      .of(instanceId)
      .map(({ foundUtcMs, text }) => ({ found: isoUtc(foundUtcMs), text })),
  }
}

/**
 * By started hours the old tools' totals hold to the cent: a report without dates counts such a row by the hours of the old
 * views, which know no bounds. It is said with the last of its runs.
 */
function countedAsOfOld(
  { oldRows }: UsageDb,
  tariff: Tariff,
  runs: readonly Run[],
  nowUtcMs: UtcMs,
): { counted: string } | undefined {
  const run = runs.at(-1)
  if (tariff.billing.granularity !== "hour" || !run) return undefined
  const hours = oldRows.hoursOf(run.instanceId)
  const price = priceOf(tariff.book, { ...run, usageOperation: "", atUtcMs: nowUtcMs })
  if (hours === null || price === null) return undefined
  const cost = times(hours, price)
  const shown = sumOf(runs.map((each) => costOfRun(tariff, each, nowUtcMs)))
  if (shown.lowest === cost && shown.highest === cost) return undefined
  const amount = amountOf({ lowest: cost, highest: cost })
  return {
    counted: run.end
      ? `${amount} in reports without dates: ${plural(hours, "hour")} by the old tool's own view`
      : `${amount} in reports without dates: the old tool's row has no end, and counts ${plural(hours, "hour")} until now; usage_cron --repair closes it`,
  }
}

export function explanationLines({ instance, user, runs, evidence }: Explanation): string[] {
  return [
    `${instance} of ${user || "nobody"}:`,
    ...(runs.length === 0 ? ["  nobody recorded when it started"] : []),
    ...runs.flatMap(({ type, market, zone, start, end, cost, price, counted }) => [
      `  ${type} (${market}${zone && `, ${zone}`})`,
      `    start  ${start}`,
      `    end    ${end}`,
      `    price  ${price}`,
      `    cost   ${cost}`,
      ...(counted === undefined ? [] : [`    counts ${counted}`]),
    ]),
    ...evidence.map(({ found, text }) => `  found ${found}: ${text}`),
  ].map(escapeControls)
}

const words = {
  observed: "observed at EC2",
  reason: "dated in EC2's reason for the transition",
  cloudtrail: "an event of CloudTrail",
  vanished: "no listing shows more",
}

function instantText(instant: Instant): string {
  const how = words[instant.evidence]
  if (isExact(instant)) return `${isoUtc(instant.latestUtcMs)} (${how})`
  return `between ${isoUtc(instant.earliestUtcMs)} and ${isoUtc(instant.latestUtcMs)} (${how})`
}
