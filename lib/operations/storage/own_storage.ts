/** What a student keeps beside instances: volumes of clusters and snapshots. They have no lease, so somebody has to delete them. */

import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { type EbsSnapshot, tagOf, type Volume } from "../../base/instance.ts"
import type { MicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import { snapshotDescription } from "../../decisions/pricing/flat_rate_charges.ts"
import { snapshotPriceOf, volumePriceOf } from "../../decisions/pricing/prices.ts"
import type { LaunchDeps, LedgerDeps } from "../launches/deps.ts"

export interface Stored {
  id: string
  description: string
  region: string
  madeAtUtcMs: UtcMs
  /** "" where it is attached to nothing. */
  attachedTo: string
  /** Null: no price is known. */
  microUsdPerHour: MicroUsd | null
}

/** All of a login's in the course's regions that goes with no instance, as AWS lists it, oldest first. */
export async function storedBy({ aws, config }: LedgerDeps, login: string): Promise<Stored[]> {
  const filter = { tags: { [tagOf.owner]: login, [tagOf.course]: config.course.name } }
  const found: Stored[] = []
  for (const region of config.aws.regions) {
    const ec2 = await aws.ec2(region)
    const [volumes, snapshots] = await Promise.all([ec2.volumes(filter), ec2.snapshots(filter)])
    const loose = volumes.filter((volume) => !goesWithItsInstance(volume))
    for (const volume of loose) found.push(ofVolume(volume, region))
    for (const snapshot of snapshots) found.push(ofSnapshot(snapshot, region))
  }
  return found.sort((a, b) => a.madeAtUtcMs - b.madeAtUtcMs)
}

/** An instance's own is none to be kept or deleted. What a launch made carries the lease's tag. */
function goesWithItsInstance({ attachedTo, deleteOnTermination, tags }: Volume): boolean {
  return attachedTo !== "" && (deleteOnTermination || tags[tagOf.leaseEnd] !== undefined)
}

function ofVolume(volume: Volume, region: string): Stored {
  const { id, type, gib, createdAtUtcMs: madeAtUtcMs, attachedTo } = volume
  const microUsdPerHour = volumePriceOf(volume, region)
  return { id, region, description: `${type} ${gib} GiB`, madeAtUtcMs, attachedTo, microUsdPerHour }
}

function ofSnapshot({ id, gib, startedAtUtcMs: madeAtUtcMs }: EbsSnapshot, region: string): Stored {
  const microUsdPerHour = snapshotPriceOf(gib, region)
  return { id, region, description: snapshotDescription(gib), madeAtUtcMs, attachedTo: "", microUsdPerHour }
}

/** Deletes the named ones of the caller's and returns them. Throws Failed after having tried all of them. */
export async function deleteStored(
  deps: LaunchDeps,
  ids: readonly string[],
  { dryRun }: { dryRun: boolean },
): Promise<Stored[]> {
  const { login } = deps.caller
  const byId = new Map((await storedBy(deps, login)).map((stored) => [stored.id, stored]))
  const named = [...new Set(ids)].map((id) => {
    const stored = byId.get(id)
    if (!stored) throw new Refused(id, `is not storage of ${login} (ec2-active --storage shows it)`)
    if (stored.attachedTo !== "") throw new Refused(id, `is attached to ${stored.attachedTo}`)
    return stored
  })
  if (!dryRun) {
    const failures = await deleteAll(deps, named, login, "", "attempt")
    if (failures.length > 0) throw new Failed("delete", failures.join("; "))
  }
  return named
}

/** One by one, on `actor`'s account in the audit log; returns what failed. */
export async function deleteAll(
  deps: LedgerDeps,
  stored: readonly Pick<Stored, "id" | "region">[],
  actor: string,
  why: string,
  attempt: "regardless" | "attempt" = "regardless",
): Promise<string[]> {
  const failures: string[] = []
  for (const { id, region } of stored) {
    deps.audit.record(actor, `delete ${id}${why}`, attempt)
    try {
      const ec2 = await deps.aws.ec2(region)
      const { requestId } = await (id.startsWith("vol-") ? ec2.deleteVolume(id) : ec2.deleteSnapshot(id))
      deps.usageDb.transaction(() => recordDeleted(deps, id))
      deps.audit.record(actor, `delete ${id}: done (request ${requestId})`, "regardless")
    } catch (error) {
      deps.audit.record(actor, `delete ${id} failed: ${messageOf(error)}`, attempt)
      failures.push(`${id}: ${messageOf(error)}`)
    }
  }
  return failures
}

/** Charged until EC2 accepted it. */
function recordDeleted({ usageDb, config, clock }: LedgerDeps, id: string): void {
  const nowUtcMs = clock.now()
  for (const flatRate of usageDb.ledger.flatRates.open(null).filter(({ flatRateId }) => flatRateId === id)) {
    const closed = { ...flatRate, endEarliestUtcMs: nowUtcMs, endLatestUtcMs: nowUtcMs }
    usageDb.ledger.flatRates.put(closed)
    usageDb.ledger.sums.addFlatRate(usageDb.prices.tariff(config), closed)
  }
}
