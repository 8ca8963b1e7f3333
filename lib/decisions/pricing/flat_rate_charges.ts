/** What is paid by the hour whatever it does: EBS volumes, snapshots and elastic addresses. */

import { type MicroUsd, noMicroUsd } from "../../base/money.ts"
import { earliestOf, latestOf, type UtcMs } from "../../base/time.ts"
import { type Bounds, flatCost, type Range } from "./costs.ts"
import type { PriceSource } from "./prices.ts"

export interface FlatRateCharge {
  /** The volume's or the address's id. */
  flatRateId: string
  /** `launch`: one of which nobody can tell any more whether it ran. */
  kind: "volume" | "snapshot" | "address" | "launch"
  login: string
  region: string
  /** For people: `gp3 8 GiB`, `198.51.100.7`. */
  description: string
  /** Null: no price is known. */
  microUsdPerHour: MicroUsd | null
  startEarliestUtcMs: UtcMs
  startLatestUtcMs: UtcMs
  /** Null while it is there. */
  endEarliestUtcMs: UtcMs | null
  endLatestUtcMs: UtcMs | null
  seenUtcMs: UtcMs
  /** Where the price is from; absent: by what travels with the tools. */
  priceSource?: PriceSource | null
  /** The instance whose end ends it too, or "". */
  goesWithInstance: string
}

/** How a snapshot of so large a volume is described to people. */
export function snapshotDescription(gib: number): string {
  return `snapshot ${gib} GiB`
}

/** Stands for an instance's own volumes from its launch until a snapshot has seen them. */
export function launchedVolumesOf(instanceId: string): string {
  return `${instanceId}:volumes`
}

/**
 * What of a volume, a snapshot or an address falls into `range`; null where its price is not known. AWS charges of a snapshot the
 * blocks that were written, which it does not tell: between none of them and all.
 */
export function costOfFlatRate(flatRate: FlatRateCharge, nowUtcMs: UtcMs, range: Range): Bounds | null {
  const { microUsdPerHour, startEarliestUtcMs, startLatestUtcMs, endEarliestUtcMs, endLatestUtcMs } = flatRate
  if (microUsdPerHour === null) return null
  const earliestEnd = endEarliestUtcMs ?? earliestOf(flatRate.seenUtcMs, nowUtcMs)
  const latestEnd = endLatestUtcMs ?? latestOf(flatRate.seenUtcMs, nowUtcMs)
  return {
    lowest:
      flatRate.kind === "snapshot"
        ? noMicroUsd
        : flatCost(microUsdPerHour, { fromUtcMs: startLatestUtcMs, toUtcMs: earliestEnd }, range),
    highest: flatCost(microUsdPerHour, { fromUtcMs: startEarliestUtcMs, toUtcMs: latestEnd }, range),
  }
}
