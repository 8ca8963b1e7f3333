/** Reads the price list of every configured region, and keeps what has changed with the date from which it holds. */
import type { Aws, ListedPrice } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import { Failed } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import type { StoragePrice } from "../../db/pricing/prices.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { awsNow } from "../usage/aws_time.ts"
import { refreshSums } from "../usage/sums.ts"

export interface RefreshedPrices {
  region: string
  read: number
  changed: number
}

/** All or nothing: a list that ends in the middle changes no price. */
export async function refreshPrices({
  aws,
  usageDb,
  config,
  clock,
}: {
  aws: Aws
  usageDb: UsageDb
  config: Config
  clock: Clock
}): Promise<RefreshedPrices[]> {
  const pricing = await aws.pricing()
  const lists: { region: string; prices: ListedPrice[]; storage: StoragePrice[] }[] = []
  for (const region of config.aws.regions) {
    const prices: ListedPrice[] = []
    for await (const page of pricing.onDemandPrices(region)) prices.push(...page)
    if (prices.length === 0)
      throw new Failed("refresh prices", `the price list of ${region} is empty, nothing was kept`)
    const storage: StoragePrice[] = []
    for await (const page of pricing.storagePrices(region)) storage.push(...page)
    lists.push({ region, prices, storage })
  }
  const readUtcMs = awsNow({ aws, clock })
  const refreshed = usageDb.transaction(() =>
    lists.map(({ region, prices, storage }) => ({
      region,
      read: prices.length + storage.length,
      changed:
        usageDb.prices.keepList(region, prices, readUtcMs) +
        usageDb.prices.keepStorage(region, storage, readUtcMs),
    })),
  )
  refreshSums(usageDb, usageDb.prices.tariff(config), null)
  return refreshed
}
