/** What becomes of a reservation once AWS has what was asked for: runs in the ledger, each with a lease and volumes that cost. */

import type { Instance } from "../../base/instance.ts"
import type { MicroUsd } from "../../base/money.ts"
import { earliestOf, later, latestOf, type UtcMs } from "../../base/time.ts"
import type { NewLease } from "../../db/enforcement/leases.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { type FlatRateCharge, launchedVolumesOf } from "../../decisions/pricing/flat_rate_charges.ts"
import { offerOf, priceOf } from "../../decisions/pricing/prices.ts"
import type { LedgerDeps } from "./deps.ts"

type RecordDeps = Pick<LedgerDeps, "usageDb" | "clock"> & {
  config: Parameters<UsageDb["prices"]["tariff"]>[0]
}

/** Inside a transaction: the ledger runs them, each has a lease, nothing is reserved for any of the launch any more. */
export function recordLaunched(
  deps: RecordDeps,
  reservation: NewReservation,
  instances: readonly Instance[],
  outcome: string,
): void {
  deps.usageDb.reservations.finish(reservation.id, "settled", outcome, deps.clock.now())
  recordRunning(deps, reservation, instances)
}

/**
 * Inside a transaction: the ledger runs them, each has a lease with the type, market and price of what AWS has. What of the launch has none
 * stays reserved.
 */
export function recordRunning(
  deps: RecordDeps,
  reservation: NewReservation,
  instances: readonly Instance[],
): void {
  const { usageDb } = deps
  const { login, id: reservationId } = reservation
  // What is over already is seen to be over by the next snapshot, which knows when.
  const asLaunched = instances.map((instance) => ({ ...instance, state: "pending" as const }))
  const seenBefore = new Set(
    instances.filter(({ id }) => usageDb.ledger.instances.get(id)).map(({ id }) => id),
  )
  usageDb.ledger.recordLaunch({ login, reservationId, instances: asLaunched })
  for (const { id, interfaceIds } of instances) usageDb.ledger.interfaces.note(interfaceIds, id, login)
  for (const instance of instances) {
    const { id, region, launchedAtUtcMs, firstAttachedUtcMs, market, type, keyName } = instance
    // A snapshot that came before may have seen its volumes too.
    const hasVolumes = seenBefore.has(id) && usageDb.ledger.flatRates.hasAnyOf(login, id)
    if (!usageDb.leases.of(id) && !hasVolumes) {
      const madeAtUtcMs = earliestOf(launchedAtUtcMs, firstAttachedUtcMs ?? launchedAtUtcMs)
      usageDb.ledger.flatRates.put(launchedVolumes(reservation, id, madeAtUtcMs))
    }
    usageDb.leases.add({
      instanceId: id,
      login,
      reservationId,
      region,
      instanceType: type,
      market,
      keyName,
      usageOperation: reservation.usageOperation,
      microUsdPerHour: priceOfAnswer(deps, reservation, instance),
      storageMicroUsdPerHour: reservation.storageMicroUsdPerHour,
      addressMicroUsdPerHour: reservation.addressMicroUsdPerHour,
      launchedAtUtcMs,
      runStartedAtUtcMs: launchedAtUtcMs,
      ranBeforeMs: 0,
      endsAtUtcMs: reservation.leaseEndsAtUtcMs,
      stoppedAtUtcMs: null,
      endedAtUtcMs: null,
      announcedEndUtcMs: reservation.leaseEndsAtUtcMs,
      terminationAtUtcMs: null,
    })
  }
}

/** Per hour of one instance: what the attempt that it came of was admitted for. What no attempt asked for has its list price. */
function priceOfAnswer(
  { usageDb, clock, config }: RecordDeps,
  { id, instanceType, market, microUsdPerHour }: NewReservation,
  instance: Instance,
): MicroUsd {
  const isOf = (asked: { instanceType: string; market: string }) =>
    asked.instanceType === instance.type && asked.market === instance.market
  const asked = usageDb.attempts.of(id).filter(isOf)
  const attempt = asked.find(({ clientToken }) => clientToken === instance.clientToken) ?? asked[0]
  if (attempt) return attempt.microUsdPerHour
  if (isOf({ instanceType, market })) return microUsdPerHour
  const offer = { ...offerOf(instance), atUtcMs: clock.now() }
  return priceOf(usageDb.prices.tariff(config).book, offer) ?? microUsdPerHour
}

/** RunInstances does not say yet which volumes it makes; they cost from now on, also where no snapshot ever sees them. */
function launchedVolumes(
  { login, region, storageMicroUsdPerHour }: NewReservation,
  instanceId: string,
  madeAtUtcMs: UtcMs,
): FlatRateCharge {
  return {
    flatRateId: launchedVolumesOf(instanceId),
    kind: "volume",
    login,
    region,
    description: "volumes of a launch",
    microUsdPerHour: storageMicroUsdPerHour,
    startEarliestUtcMs: madeAtUtcMs,
    startLatestUtcMs: madeAtUtcMs,
    endEarliestUtcMs: null,
    endLatestUtcMs: null,
    seenUtcMs: madeAtUtcMs,
    goesWithInstance: instanceId,
  }
}

/** Inside a transaction: a stopped instance runs again. */
export function recordStarted(
  { aws, usageDb, clock }: Pick<LedgerDeps, "aws" | "usageDb" | "clock">,
  reservation: NewReservation,
  instance: Pick<Instance, "id" | "launchedAtUtcMs"> | null,
): void {
  const id = reservation.instanceId ?? ""
  // What is charged goes by AWS's clock, what is leased by the host's. LaunchTime is the last start, where EC2 has brought it up to date.
  const aheadMs = aws.clockOffsetMs() ?? 0
  const askedUtcMs = later(reservation.createdAtUtcMs, aheadMs)
  const atAwsUtcMs = latestOf(instance?.launchedAtUtcMs ?? askedUtcMs, askedUtcMs)
  const startedAtUtcMs = later(atAwsUtcMs, -aheadMs)
  usageDb.reservations.finish(reservation.id, "settled", "started", clock.now())
  usageDb.ledger.recordStarted(id, reservation.instanceType, atAwsUtcMs)
  usageDb.leases.add(firstLease(reservation, id, startedAtUtcMs))
  usageDb.leases.started({
    instanceId: id,
    instanceType: reservation.instanceType,
    usageOperation: reservation.usageOperation,
    microUsdPerHour: reservation.microUsdPerHour,
    runStartedAtUtcMs: startedAtUtcMs,
    endsAtUtcMs: reservation.leaseEndsAtUtcMs,
  })
}

/** For what the old tools launched: from its first start through us on, and not before, it has an end. */
function firstLease(reservation: NewReservation, instanceId: string, startedAtUtcMs: UtcMs): NewLease {
  const { id: reservationId, login, region, instanceType, market, keyName, usageOperation } = reservation
  const { microUsdPerHour, storageMicroUsdPerHour, addressMicroUsdPerHour } = reservation
  return {
    instanceId,
    login,
    reservationId,
    region,
    instanceType,
    market,
    keyName,
    usageOperation,
    microUsdPerHour,
    storageMicroUsdPerHour,
    addressMicroUsdPerHour,
    launchedAtUtcMs: startedAtUtcMs,
    runStartedAtUtcMs: startedAtUtcMs,
    ranBeforeMs: 0,
    endsAtUtcMs: reservation.leaseEndsAtUtcMs,
    stoppedAtUtcMs: null,
    endedAtUtcMs: null,
    announcedEndUtcMs: null,
    terminationAtUtcMs: null,
  }
}
