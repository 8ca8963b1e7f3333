/** Keeps the spot price history of the types, zones and times that somebody's run needs. AWS forgets it after 90 days. */
import type { Aws } from "../../aws/interfaces.ts"
import { type Clock, msPerDay } from "../../base/time.ts"
import type { StoredInterval } from "../../db/intervals.ts"
import type { SpotPrice } from "../../db/prices.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { linuxOperation } from "../../decisions/embedded_prices.ts"
import { operationOfProduct } from "../../decisions/spot_products.ts"
import { awsNow } from "./aws_time.ts"

/** What ended longer ago has had its history fetched by an earlier run, or never will. */
const askedForMs = 7 * msPerDay

/** Returns how many prices were new. */
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
  const runs = usageDb.ledger.intervals.spotSince(now - askedForMs)
  const found: SpotPrice[] = []
  for (const { region, zone, instanceType, fromUtcMs } of needsOf(usageDb, runs)) {
    const ec2 = await aws.ec2(region)
    const history = await ec2.spotPriceHistory({
      ...{ instanceTypes: [instanceType], zone, startUtcMs: fromUtcMs, endUtcMs: now },
    })
    for (const price of history) {
      const usageOperation = operationOfProduct(price.product)
      if (usageOperation !== null) found.push({ ...price, usageOperation })
    }
  }
  if (found.length === 0) return 0
  return usageDb.transaction(() => {
    const added = usageDb.prices.keepSpot(found)
    if (added > 0)
      for (const login of new Set(runs.map((run) => run.login))) usageDb.ledger.sums.forget(login)
    return added
  })
}

interface Need {
  region: string
  zone: string
  instanceType: string
  fromUtcMs: number
}

/** One for each type and zone: since its earliest run, or since the last price that is kept. */
function needsOf({ prices }: UsageDb, runs: readonly StoredInterval[]): Need[] {
  const needs = new Map<string, Need>()
  for (const { region, zone, instanceType, usageOperation, start } of runs) {
    const key = `${zone} ${instanceType}`
    const last = prices.lastSpot(zone, instanceType, usageOperation || linuxOperation)
    const fromUtcMs = last === null ? start.earliestUtcMs : last
    const before = needs.get(key)
    if (!before || fromUtcMs < before.fromUtcMs) needs.set(key, { region, zone, instanceType, fromUtcMs })
  }
  return [...needs.values()]
}
