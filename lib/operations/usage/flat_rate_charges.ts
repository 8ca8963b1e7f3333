/** Looks at the volumes, the snapshots and the elastic addresses of the course, and notes what is there, what is new and what is gone. */

import type { Aws } from "../../aws/interfaces.ts"
import { acrossRegions, type SilentRegion } from "../../aws/regions.ts"
import type { Config } from "../../base/config.ts"
import { type Address, type EbsSnapshot, tagOf, type Volume } from "../../base/instance.ts"
import { type Clock, earliestOf, latestOf, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { ownerOf } from "../../decisions/launches/owners.ts"
import { visibleAfterMs } from "../../decisions/launches/settlement.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import {
  type FlatRateCharge,
  launchedVolumesOf,
  snapshotDescription,
} from "../../decisions/pricing/flat_rate_charges.ts"
import {
  publicIpv4MicroUsdPerHour,
  type StorageList,
  snapshotPriceOf,
  storagePriceSource,
  volumePriceOf,
} from "../../decisions/pricing/prices.ts"
import { exactly, type Instant } from "../../decisions/usage/runs.ts"
import { observationSince } from "./aws_time.ts"

export interface FlatRateListing {
  fromUtcMs: UtcMs
  toUtcMs: UtcMs
  there: FlatRateCharge[]
  /** All elastic addresses, also those of nobody. */
  elasticIps: Set<string>
  /** Of these nothing is known: nothing there is concluded to be gone. */
  silent: SilentRegion[]
}

/** Asks AWS in all regions; throws where none answers. */
export async function listFlatRateCharges({
  aws,
  usageDb,
  config,
  clock,
}: {
  aws: Aws
  usageDb: UsageDb
  config: Config
  clock: Clock
}): Promise<FlatRateListing> {
  const begunUtcMs = clock.now()
  const tags = { [tagOf.course]: config.course.name }
  const { answers, silent } = await acrossRegions(config.aws.regions, async (region) => {
    const ec2 = await aws.ec2(region)
    return Promise.all([ec2.volumes({ tags }), ec2.snapshots({ tags }), ec2.addresses()])
  })
  const { fromUtcMs, toUtcMs } = observationSince({ aws, clock }, begunUtcMs)
  const there: FlatRateCharge[] = []
  const elasticIps = new Set<string>()
  const prices = usageDb.prices.storage()
  for (const [region, [volumes, snapshots, addresses]] of answers) {
    // An address does not tell since when it is ours.
    const beforeUtcMs = usageDb.snapshots.latest(region)?.startedUtcMs ?? fromUtcMs
    for (const volume of volumes) there.push(fromVolume(volume, region, fromUtcMs, prices))
    for (const snapshot of snapshots) there.push(fromSnapshot(snapshot, region, fromUtcMs, prices))
    for (const address of addresses) {
      elasticIps.add(address.publicIp)
      if (address.tags[tagOf.course] === config.course.name) {
        const start = { startEarliestUtcMs: earliestOf(beforeUtcMs, fromUtcMs), startLatestUtcMs: fromUtcMs }
        there.push({ ...fromAddress(address, region, fromUtcMs), ...start })
      }
    }
  }
  return { fromUtcMs, toUtcMs, there, elasticIps, silent }
}

/** Inside the caller's transaction. */
export function recordFlatRateCharges({ ledger }: UsageDb, tariff: Tariff, listing: FlatRateListing): void {
  const known = new Map(ledger.flatRates.open(null).map((flatRate) => [flatRate.flatRateId, flatRate]))
  const silent = new Set(listing.silent.map(({ region }) => region))
  for (const flatRate of listing.there) {
    const before = known.get(flatRate.flatRateId)
    known.delete(flatRate.flatRateId)
    if (!before) {
      const estimate = launchedVolumesOf(flatRate.goesWithInstance)
      if (known.delete(estimate)) ledger.flatRates.remove(estimate)
      ledger.sums.know(flatRate.login)
      ledger.flatRates.put(flatRate)
    } else if (before.description === flatRate.description && hasNewPrice(before, flatRate)) {
      close(before, listing.fromUtcMs, listing.fromUtcMs)
      ledger.flatRates.put({
        ...flatRate,
        startEarliestUtcMs: listing.fromUtcMs,
        startLatestUtcMs: listing.fromUtcMs,
      })
    } else if (before.description === flatRate.description) {
      ledger.flatRates.put({
        ...before,
        // A list price takes the place of what travels with the tools, from the beginning.
        microUsdPerHour: flatRate.microUsdPerHour,
        priceSource: flatRate.priceSource ?? null,
        seenUtcMs: latestOf(before.seenUtcMs, listing.fromUtcMs),
        goesWithInstance: flatRate.goesWithInstance || before.goesWithInstance,
      })
    } else {
      // Grown or changed since it was last seen: dearer from some time in between.
      close(before, before.seenUtcMs, listing.toUtcMs)
      ledger.flatRates.put({
        ...flatRate,
        startEarliestUtcMs: before.seenUtcMs,
        startLatestUtcMs: listing.toUtcMs,
      })
    }
  }
  for (const gone of known.values()) {
    if (silent.has(gone.region) || mayNotBeListedYet(gone, listing)) continue
    const end = endOfInstance(gone.goesWithInstance)
    if (end && end.earliestUtcMs >= gone.startEarliestUtcMs) close(gone, end.earliestUtcMs, end.latestUtcMs)
    else close(gone, gone.seenUtcMs, listing.toUtcMs)
  }

  function close(flatRate: FlatRateCharge, oneUtcMs: UtcMs, otherUtcMs: UtcMs): void {
    const closed = {
      ...flatRate,
      endEarliestUtcMs: earliestOf(oneUtcMs, otherUtcMs),
      endLatestUtcMs: latestOf(oneUtcMs, otherUtcMs),
    }
    ledger.flatRates.put(closed)
    ledger.sums.addFlatRate(tariff, closed)
  }

  /** What is deleted on termination goes with its instance, however late that is noticed. */
  function endOfInstance(instanceId: string): Instant | null {
    if (instanceId === "" || ledger.instances.get(instanceId)?.state !== "terminated") return null
    const endedUtcMs = ledger.old.endOf(instanceId)
    const lastEnd = ledger.runs.ofInstance(instanceId).at(-1)?.end
    const endedWithItsRun = endedUtcMs !== null && lastEnd && endedUtcMs <= lastEnd.latestUtcMs
    if (!endedWithItsRun) return null
    // The date is the termination's: when its run was over may be uncertain, the volumes were there until then.
    return lastEnd.evidence === "reason" ? exactly(lastEnd.latestUtcMs, "reason") : lastEnd
  }
}

/** Made by us a moment before this look, or during it: nothing is concluded from its absence. */
function mayNotBeListedYet(flatRate: FlatRateCharge, { fromUtcMs }: FlatRateListing): boolean {
  const wasSeen = flatRate.seenUtcMs > flatRate.startLatestUtcMs
  return flatRate.goesWithInstance === "" && !wasSeen && flatRate.seenUtcMs + visibleAfterMs > fromUtcMs
}

/** AWS's list had one price, and has another. */
function hasNewPrice(before: FlatRateCharge, now: FlatRateCharge): boolean {
  return (
    before.priceSource === "price list" &&
    now.priceSource === "price list" &&
    before.microUsdPerHour !== now.microUsdPerHour
  )
}

function fromVolume(volume: Volume, region: string, seenUtcMs: UtcMs, prices: StorageList): FlatRateCharge {
  const { id, type, gib, iops, throughput } = volume
  // Not after we saw it, whatever AWS's clock and ours say.
  const createdAtUtcMs = earliestOf(volume.createdAtUtcMs, seenUtcMs)
  const extras = [iops > 3000 && `${iops} IOPS`, throughput > 125 && `${throughput} MiB/s`].filter(Boolean)
  return {
    flatRateId: id,
    kind: "volume",
    login: ownerOf({ tags: volume.tags, keyName: "" }),
    region,
    description: [`${type} ${gib} GiB`, ...extras].join(" "),
    microUsdPerHour: volumePriceOf(volume, region, prices),
    priceSource: storagePriceSource(region, type, prices),
    startEarliestUtcMs: createdAtUtcMs,
    startLatestUtcMs: createdAtUtcMs,
    endEarliestUtcMs: null,
    endLatestUtcMs: null,
    seenUtcMs,
    goesWithInstance: volume.deleteOnTermination ? volume.attachedTo : "",
  }
}

function fromSnapshot(
  { id, gib, startedAtUtcMs, tags }: EbsSnapshot,
  region: string,
  seenUtcMs: UtcMs,
  prices: StorageList,
): FlatRateCharge {
  const madeAtUtcMs = earliestOf(startedAtUtcMs, seenUtcMs)
  return {
    flatRateId: id,
    kind: "snapshot",
    login: ownerOf({ tags, keyName: "" }),
    region,
    description: snapshotDescription(gib),
    microUsdPerHour: snapshotPriceOf(gib, region, prices),
    priceSource: storagePriceSource(region, null, prices),
    startEarliestUtcMs: madeAtUtcMs,
    startLatestUtcMs: madeAtUtcMs,
    endEarliestUtcMs: null,
    endLatestUtcMs: null,
    seenUtcMs,
    goesWithInstance: "",
  }
}

function fromAddress(address: Address, region: string, seenUtcMs: UtcMs): FlatRateCharge {
  return {
    flatRateId: address.allocationId,
    kind: "address",
    login: ownerOf({ tags: address.tags, keyName: "" }),
    region,
    description: address.publicIp,
    microUsdPerHour: publicIpv4MicroUsdPerHour,
    startEarliestUtcMs: seenUtcMs,
    startLatestUtcMs: seenUtcMs,
    endEarliestUtcMs: null,
    endLatestUtcMs: null,
    seenUtcMs,
    goesWithInstance: "",
  }
}
