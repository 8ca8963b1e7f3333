/** Everything that is known of one instance's runs, and how it is known. */
import { Failed, Refused, UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { always, type Tariff } from "../../decisions/costs.ts"
import { fromOldRun, type Instant, type Interval, isExact } from "../../decisions/intervals.ts"
import { chargesOfRun } from "../../decisions/reports/charge.ts"
import { amountOf } from "../../decisions/reports/text_form.ts"
import type { Caller } from "../../host/caller.ts"

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
  }[]
  evidence: { found: string; text: string }[]
}

export function explain(
  usageDb: UsageDb,
  tariff: Tariff,
  { instanceId, caller, nowUtcMs }: { instanceId: string; caller: Caller; nowUtcMs: number },
): Explanation {
  if (!/^i-[0-9a-zA-Z-]{1,40}$/.test(instanceId)) {
    throw new UsageError("explain", `${quoted(instanceId)} is no instance's id`)
  }
  const old = usageDb.oldRows.ofInstance(instanceId)
  const runs: Interval[] = usageDb.ledger.intervals.ofInstance(instanceId)
  if (old) runs.push(fromOldRun(old))
  const [first] = runs
  const mayKnow = caller.isStaff || first?.login === caller.login
  if (!mayKnow) throw new Refused("explain", `${instanceId} is not an instance of ${caller.login}`)
  if (!first) throw new Failed("explain", `${instanceId} is not in the ledger`)
  return {
    ...{ instance: instanceId, user: first.login },
    runs: runs.map((run) => {
      const charges = chargesOfRun(tariff, run, nowUtcMs, always)
      const { microUsdPerHour, priceSource } = charges[0] ?? {}
      return {
        ...{ type: run.instanceType, market: run.market, zone: run.zone },
        start: instantText(run.start),
        end: run.end ? instantText(run.end) + (run.endedByEc2 ? ", taken back by EC2" : "") : "still running",
        cost: charges.map(({ kind, cost }) => `${kind} ${cost ? amountOf(cost) : "unpriced"}`).join(", "),
        price: microUsdPerHour
          ? `$${microUsdPerHour / 1e6}/h at the start, by ${priceSource}`
          : "no price is known",
      }
    }),
    evidence: usageDb.evidence
      .of(instanceId)
      .map(({ foundUtcMs, text }) => ({ found: isoUtc(foundUtcMs), text })),
  }
}

export function explanationLines({ instance, user, runs, evidence }: Explanation): string[] {
  return [
    `${instance} of ${user || "nobody"}:`,
    ...runs.flatMap(({ type, market, zone, start, end, cost, price }) => [
      `  ${type} (${market}${zone && `, ${zone}`})`,
      `    start  ${start}`,
      `    end    ${end}`,
      `    price  ${price}`,
      `    cost   ${cost}`,
    ]),
    ...evidence.map(({ found, text }) => `  found ${found}: ${text}`),
  ]
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
