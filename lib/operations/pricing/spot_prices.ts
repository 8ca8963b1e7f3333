/** Keeps the spot price history of the types, zones and times that somebody's run needs. AWS forgets it after 90 days. */

import type { Aws } from "../../aws/interfaces.ts"
import { type Clock, earliestOf, later, latestOf, msPerDay, type UtcMs } from "../../base/time.ts"
import type { SpotPrice } from "../../db/pricing/prices.ts"
import type { StoredRun } from "../../db/usage/runs.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { linuxOperation } from "../../decisions/pricing/embedded_prices.ts"
import { operationOfProduct } from "../../decisions/pricing/spot_products.ts"
import { awsNow } from "../usage/aws_time.ts"

/** What ended that long before all was read may have become known since. */
const becomesKnownMs = 7 * msPerDay
/** How far back AWS's history goes. */
const historyMs = 90 * msPerDay

/** Returns how many prices were new. What one type's history failed of is thrown when the others' are kept. */
export async function keepSpotPrices({
  aws,
  usageDb,
  clock,
}: {
  aws: Aws
  usageDb: UsageDb
  clock: Clock
}): Promise<number> {
  const now = awsNow({ aws, clock })
  const unreadSince = later(earliestOf(usageDb.prices.spotReadUntil(), now), -becomesKnownMs)
  const runs = usageDb.ledger.runs.spotSince(latestOf(unreadSince, later(now, -historyMs)))
  const failures: unknown[] = []
  let added = 0
  for (const need of needsOf(usageDb, runs)) {
    try {
      const found = await historyOf(aws, need, now)
      added += usageDb.transaction(() => keep(usageDb, found, runs))
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  usageDb.transaction(() => usageDb.prices.noteSpotRead(now))
  return added
}

interface Need {
  region: string
  zone: string
  instanceType: string
  fromUtcMs: UtcMs
}

async function historyOf(
  aws: Aws,
  { region, zone, instanceType, fromUtcMs }: Need,
  nowUtcMs: UtcMs,
): Promise<SpotPrice[]> {
  const ec2 = await aws.ec2(region)
  const history = await ec2.spotPriceHistory({
    instanceTypes: [instanceType],
    zone,
    startUtcMs: fromUtcMs,
    endUtcMs: nowUtcMs,
  })
  return history.flatMap((price) => {
    const usageOperation = operationOfProduct(price.product)
    return usageOperation === null ? [] : [{ ...price, usageOperation }]
  })
}

function keep({ prices, ledger }: UsageDb, found: readonly SpotPrice[], runs: readonly StoredRun[]): number {
  const added = prices.keepSpot(found)
  if (added > 0) for (const login of new Set(runs.map((run) => run.login))) ledger.sums.forget(login)
  return added
}

/** One for each type and zone: since the last price that is kept, or since a run that began before the first. */
function needsOf({ prices }: UsageDb, runs: readonly StoredRun[]): Need[] {
  const needs = new Map<string, Need>()
  for (const { region, zone, instanceType, usageOperation, start } of runs) {
    const key = `${zone} ${instanceType}`
    const kept = prices.spotSpan(zone, instanceType, usageOperation || linuxOperation)
    const isCovered = kept !== null && kept.fromUtcMs <= start.earliestUtcMs
    const fromUtcMs = isCovered ? kept.toUtcMs : start.earliestUtcMs
    const before = needs.get(key)
    if (!before || fromUtcMs < before.fromUtcMs) needs.set(key, { region, zone, instanceType, fromUtcMs })
  }
  return [...needs.values()]
}
