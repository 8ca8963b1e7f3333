/**
 * A look at the whole account. Each region stands by itself: of one all of whose pages came, everything is recorded; of another
 * nothing is concluded but that it failed. What is gone from a complete listing is asked for by id before anything is concluded from its
 * absence.
 */

import type { Aws, Ec2 } from "../../aws/interfaces.ts"
import { type RegionFailure, type SilentRegion, silentRegion } from "../../aws/regions.ts"
import type { Config } from "../../base/config.ts"
import { messageOf } from "../../base/errors.ts"
import { type Clock, toJulianDay, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { OpenSpotRequest } from "../../db/legacy/spot_requests.ts"
import type { Gathering } from "../../db/usage/snapshots.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { ownerOf } from "../../decisions/launches/owners.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import type { Observation } from "../../decisions/usage/observations.ts"
import { observationSince } from "./aws_time.ts"
import { type ObservedInstance, recordAbsent, recordObserved } from "./record_observation.ts"

export interface SnapshotDeps {
  aws: Aws
  usageDb: UsageDb
  config: Config
  clock: Clock
}

export interface SnapshotSummary {
  instances: number
  /** How many were gone, and are closed now. */
  vanished: number
  openSpotRequests: number
  /** The clock has gone back since the last snapshot. */
  clockWentBack: boolean
  /** Regions of which nothing is recorded. */
  silent: SilentRegion[]
}

interface RegionListing {
  region: string
  observation: Observation
  /** What the listing left out and EC2 still knows by its id. */
  foundById: ObservedInstance[]
  gone: string[]
}

/** `elasticIps`: the addresses that are paid for by themselves. Throws where no region answers. */
export async function takeSnapshot(
  deps: SnapshotDeps,
  tariff: Tariff,
  elasticIps: ReadonlySet<string>,
): Promise<SnapshotSummary> {
  const { aws, usageDb, config, clock } = deps
  const gathering = usageDb.snapshots.gather()
  const hasOwnAddress = ({ publicIp }: { publicIp: string }) => publicIp !== "" && !elasticIps.has(publicIp)
  const listings: RegionListing[] = []
  const spotRequests: OpenSpotRequest[] = []
  const failed: (RegionFailure & { fromUtcMs: UtcMs; toUtcMs: UtcMs })[] = []
  for (const region of config.aws.regions) {
    const fromUtcMs = clock.now()
    try {
      const ec2 = await aws.ec2(region)
      for await (const page of ec2.instancePages()) gathering.add(region, page, hasOwnAddress)
      const open = await ec2.spotRequests({ states: ["open"] })
      const asked = await askForMissing(ec2, gathering, hasOwnAddress)
      for (const request of open) {
        const { id: requestId, instanceType, createdAtUtcMs: requestedAtUtcMs } = request
        spotRequests.push({ requestId, instanceType, requestedAtUtcMs, login: ownerOf(request) })
      }
      listings.push({ region, ...asked, observation: observationSince(deps, fromUtcMs) })
    } catch (error) {
      failed.push({ region, error, fromUtcMs, toUtcMs: clock.now() })
    }
  }
  const [first] = failed
  const silent = failed.map(silentRegion)
  usageDb.transaction(() => {
    for (const [index, { region, error, fromUtcMs, toUtcMs }] of failed.entries()) {
      const reason = listings.length > 0 ? (silent[index]?.reason ?? "") : messageOf(error)
      usageDb.snapshots.failed(region, fromUtcMs, toUtcMs, reason)
    }
  })
  if (first && listings.length === 0) throw first.error
  return usageDb.transaction(() => {
    const isAwsTime = aws.clockOffsetMs() !== null
    const dated = listings.map((listing) => withPrevious(usageDb, listing))
    const ahead = dated.filter((listing) => wasRecordedLater(usageDb, listing))
    for (const listing of ahead) distrustLater(usageDb, listing, isAwsTime)
    const clockWentBack = ahead.length > 0
    const counts = dated.map((listing) => recordRegion(usageDb, tariff, gathering, listing))
    // Nobody can tell a recorded request's region: while one that may have some is silent, none is forgotten.
    if (silent.every(({ isNotEnabled }) => isNotEnabled)) usageDb.spotRequests.replaceAll(spotRequests)
    else usageDb.spotRequests.add(spotRequests)
    const sum = (of: "instances" | "vanished") => counts.reduce((total, count) => total + count[of], 0)
    return {
      instances: sum("instances"),
      vanished: sum("vanished"),
      openSpotRequests: spotRequests.length,
      clockWentBack,
      silent,
    }
  })
}

async function askForMissing(
  ec2: Ec2,
  gathering: Gathering,
  hasOwnAddress: (instance: { publicIp: string }) => boolean,
): Promise<Pick<RegionListing, "foundById" | "gone">> {
  const missing = gathering.missing(ec2.region)
  if (missing.length === 0) return { foundById: [], gone: [] }
  const found = await ec2.instances({ ids: missing })
  const there = new Set(found.map(({ id }) => id))
  return {
    foundById: found.map((instance) => ({ ...instance, publicIpv4: hasOwnAddress(instance) })),
    gone: missing.filter((id) => !there.has(id)),
  }
}

/** With the time of the last complete listing before it, as the database has it. */
function withPrevious({ snapshots }: UsageDb, listing: RegionListing): RegionListing {
  const { region, observation } = listing
  const previousUtcMs = snapshots.lastBefore(region, observation.fromUtcMs)?.startedUtcMs ?? null
  return { ...listing, observation: { ...observation, previousUtcMs } }
}

/** Whether the clock has gone back: a snapshot is recorded as later than now. */
function wasRecordedLater({ snapshots }: UsageDb, { region, observation }: RegionListing): boolean {
  const latest = snapshots.latest(region)
  return latest !== null && latest.startedUtcMs > observation.fromUtcMs
}

/** Nothing that was seen "later than now" counts as seen then, any more. */
function distrustLater({ ledger }: UsageDb, { observation }: RegionListing, isAwsTime: boolean): void {
  const { fromUtcMs, toUtcMs, previousUtcMs } = observation
  const insteadUtcMs = previousUtcMs ?? utcMsOf(0)
  ledger.instances.distrust(fromUtcMs, insteadUtcMs)
  for (const login of ledger.runs.distrust(fromUtcMs, insteadUtcMs)) ledger.sums.forget(login)
  // Nothing happened later than now, if now is by AWS's clock.
  if (isAwsTime) for (const login of ledger.forgetFuture(toUtcMs)) ledger.sums.forget(login)
}

function recordRegion(
  db: UsageDb,
  tariff: Tariff,
  gathering: Gathering,
  { region, observation, foundById, gone }: RegionListing,
): { instances: number; vanished: number } {
  for (const instance of gathering.changed(region)) recordObserved(db, tariff, instance, observation)
  for (const instance of foundById) recordObserved(db, tariff, instance, observation)
  const vanished = gone.filter((id) => recordAbsent(db, tariff, id, observation)).length
  gathering.noteSeen(region, observation.fromUtcMs, toJulianDay(observation.fromUtcMs))
  const instances = gathering.count(region)
  const { fromUtcMs: startedUtcMs, toUtcMs: finishedUtcMs } = observation
  db.snapshots.complete({ region, startedUtcMs, finishedUtcMs, instances })
  return { instances, vanished }
}
