/** Starting what is stopped: an admission like a launch's, with a reservation that a crash leaves to be settled. */

import { randomUUID } from "node:crypto"
import { AwsError } from "../../aws/protocol/errors.ts"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import type { Instance } from "../../base/instance.ts"
import { noMicroUsd, usd } from "../../base/money.ts"
import { isoUtc, later, type UtcMs } from "../../base/time.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import { admit } from "../../decisions/launches/admission.ts"
import { objectionToType } from "../../decisions/launches/launch_policy.ts"
import { leaseOfRestart } from "../../decisions/launches/running_time.ts"
import { leaseTerms, type Rates, startingCost } from "../../decisions/launches/worst_case.ts"
import { offerOf, priceOf, publicIpv4MicroUsdPerHour } from "../../decisions/pricing/prices.ts"
import { ownProcess } from "../../host/processes/process_identity.ts"
import { awsNow } from "../usage/aws_time.ts"
import { markSent, requireNotHalted } from "./access.ts"
import { admissionReads } from "./admission.ts"
import type { LaunchDeps } from "./deps.ts"
import { exposureOf, storageAsked } from "./exposure.ts"
import { refuse, requireListed } from "./launch_lookups.ts"
import { limitsOf } from "./limits.ts"
import type { OwnInstances } from "./own_instances.ts"
import { scheduledTerminationOf } from "./plan.ts"
import { recordStarted } from "./record_launch.ts"
import { announceEnds, setSchedule, setSchedules } from "./termination_schedules.ts"

export interface Started {
  id: string
  leaseEndsAtUtcMs: UtcMs
  /** Why the lease is shorter than usual; "" where it is not. */
  note: string
}

/** Starts one stopped instance of the caller's, under a lease of the default length or what is left of the ceiling. Throws Refused with the arithmetic. */
export async function startAgain(
  deps: LaunchDeps,
  instance: Instance,
  own: OwnInstances,
  { dryRun }: { dryRun: boolean },
): Promise<Started> {
  await requireStartable(deps, instance)
  const [admitted] = admitAll(deps, [instance], own, dryRun) as [Admitted]
  return dryRun ? startedBy(admitted) : perform(deps, admitted)
}

/**
 * Starts stopped instances of the caller's by one admission: throws Refused, with none of them started, unless all fit into the
 * limits together. Where AWS fails to start one, those after it are not tried, and `failure` says why.
 */
export async function startTogether(
  deps: LaunchDeps,
  instances: readonly Instance[],
  own: OwnInstances,
  { dryRun }: { dryRun: boolean },
): Promise<{ started: Started[]; failure?: unknown }> {
  for (const instance of instances) await requireStartable(deps, instance)
  const admitted = admitAll(deps, instances, own, dryRun)
  if (dryRun) return { started: admitted.map(startedBy) }
  const started: Started[] = []
  for (const [index, one] of admitted.entries()) {
    try {
      started.push(await perform(deps, one))
    } catch (failure) {
      for (const { reservation } of admitted.slice(index + 1))
        release(deps, reservation, "another one did not start")
      return { started, failure }
    }
  }
  return { started }
}

interface Admitted {
  reservation: NewReservation
  /** Why its lease is shorter than usual; "" where it is not. */
  note: string
}

function startedBy({ reservation, note }: Admitted): Started {
  return { id: reservation.instanceId ?? "", leaseEndsAtUtcMs: reservation.leaseEndsAtUtcMs, note }
}

async function requireStartable(deps: LaunchDeps, { id, state, imageId }: Instance): Promise<void> {
  deps.audit.requireRoom(deps.caller.login)
  if (state !== "stopped") throw new Refused(id, `is ${state}, wanted stopped`)
  // An image that the config's list has lost since is not started again, but one that a listed name led to then is.
  const { usageDb } = deps
  const launchedBy = usageDb.reservations.byId(usageDb.leases.of(id)?.reservationId ?? "")?.image
  await requireListed(deps, imageId, launchedBy || imageId)
}

/** Reserves all of them in one transaction, each admitted beside those before it; a dry run rolls it back. */
function admitAll(
  deps: LaunchDeps,
  instances: readonly Instance[],
  own: OwnInstances,
  dryRun: boolean,
): Admitted[] {
  const rollback = new Error("rolled back")
  let admitted: Admitted[] = []
  try {
    deps.usageDb.transaction(
      () => {
        admitted = instances.map((instance) => reserve(deps, instance, own))
        if (dryRun) throw rollback
        deps.at?.("in admission")
      },
      admissionReads(deps, deps.caller.login, own),
    )
  } catch (error) {
    if (error === rollback) return admitted
    if (!(error instanceof Refused) || instances.length === 1) throw error
    throw new Refused("start", `${error.message} (none of the ${instances.length} instances is started)`)
  }
  deps.at?.("reserved")
  return admitted
}

async function perform(deps: LaunchDeps, admitted: Admitted): Promise<Started> {
  const { usageDb, caller, config, audit } = deps
  const { reservation } = admitted
  const id = reservation.instanceId ?? ""
  audit.record(
    caller.login,
    `start ${id} (${reservation.id}): ${reservation.instanceType} at ${usd(reservation.microUsdPerHour)}/h until ${isoUtc(reservation.leaseEndsAtUtcMs)}`,
  )
  deps.at?.("intent written")
  const isAllowed = markSent(deps, reservation)
  try {
    // The schedule first: nothing runs without one, and the one of the last run has fired or would fire too early.
    const lease = usageDb.leases.of(id)
    const run = { endsAtUtcMs: reservation.leaseEndsAtUtcMs, stoppedAtUtcMs: null }
    if (lease) await setSchedule(deps, caller.login, lease, scheduledTerminationOf(config, run))
  } catch (error) {
    giveUp(deps, reservation, error, true)
  }
  const { requestId } = await ask(deps, reservation, isAllowed)
  deps.at?.("launched")
  usageDb.transaction(() => {
    recordStarted(deps, reservation, { id, launchedAtUtcMs: awsNow(deps) })
    deps.at?.("in settling")
  })
  deps.at?.("settled")
  // What has its first lease gets its first schedule now: where the start fails, it is not ours to end.
  await setSchedules(deps, caller.login, [id])
  // The instance's own timer reads it once it is up: the last run's end would shut it down.
  await announceEnds(deps, [id])
  audit.record(caller.login, `started ${id} (request ${requestId})`)
  return startedBy(admitted)
}

function reserve(deps: LaunchDeps, instance: Instance, own: OwnInstances): Admitted {
  const { usageDb, config, caller, clock } = deps
  const { login } = caller
  const nowUtcMs = clock.now()
  requireNotHalted(deps, login)
  const lease = usageDb.leases.of(instance.id)
  const isPending = usageDb.reservations.pending(login).some(({ instanceId }) => instanceId === instance.id)
  // The second: started since it was listed. Starting it once more would move its lease.
  if (isPending || lease?.stoppedAtUtcMs === null) throw new Failed(instance.id, "is being started already")
  const { type, region, usageOperation, market } = instance
  const limits = limitsOf(deps, login)
  refuse(instance.id, objectionToType(type, limits))
  const offer = { ...offerOf(instance), atUtcMs: nowUtcMs }
  const microUsdPerHour = priceOf(usageDb.prices.tariff(config).book, offer)
  if (microUsdPerHour === null) throw new Refused("price", `none is known for ${type} in ${region}`)
  const rates: Rates = {
    microUsdPerHour,
    usageOperation,
    storageMicroUsdPerHour: lease?.storageMicroUsdPerHour ?? noMicroUsd,
    addressMicroUsdPerHour: lease?.addressMicroUsdPerHour ?? publicIpv4MicroUsdPerHour,
  }
  const given = leaseOfRestart(lease, config.leases, nowUtcMs)
  if ("refused" in given) throw new Refused(instance.id, given.refused)
  const leaseEndsAtUtcMs = later(nowUtcMs, given.leaseMs)
  const worst = startingCost(rates, leaseEndsAtUtcMs, nowUtcMs, leaseTerms(config))
  const storage = storageAsked(deps, 1, rates.storageMicroUsdPerHour)
  const admission = admit(
    exposureOf(deps, login, own, nowUtcMs, instance.id),
    { verb: "started again", count: 1, microUsdPerHour, worst, storage },
    limits,
    config.courseBudget,
  )
  if (!admission.allow) throw new Refused(instance.id, admission.because, admission.hint)
  const reservation: NewReservation = {
    id: randomUUID(),
    login,
    kind: "start",
    region,
    instanceType: type,
    market,
    keyName: instance.keyName,
    image: instance.imageId,
    count: 1,
    ...rates,
    worstMicroUsd: worst,
    leaseEndsAtUtcMs,
    instanceId: instance.id,
    process: ownProcess(),
    createdAtUtcMs: nowUtcMs,
  }
  usageDb.reservations.add(reservation)
  return { reservation, note: given.note }
}

async function ask(
  deps: LaunchDeps,
  reservation: NewReservation,
  isAllowed: () => boolean,
): Promise<{ requestId: string }> {
  const id = reservation.instanceId ?? ""
  const ec2 = await deps.aws.ec2(reservation.region)
  try {
    return await deps.aws.guarded(isAllowed, () => ec2.start(id))
  } catch (error) {
    const found = await ec2.instances({ ids: [id] }).catch(() => null)
    const state = found?.[0]?.state
    if (state === "running" || state === "pending") return { requestId: "unknown, its reply was lost" }
    return giveUp(
      deps,
      reservation,
      error,
      found !== null && error instanceof AwsError && !error.mayHaveHappened,
    )
  }
}

/** Gives back what is reserved for a start that was not sent, or that AWS refused. */
function release({ usageDb, clock }: LaunchDeps, { id }: NewReservation, reason: string): void {
  usageDb.transaction(() => usageDb.reservations.finish(id, "released", reason, clock.now()))
}

function giveUp(
  deps: LaunchDeps,
  reservation: NewReservation,
  error: unknown,
  nothingHappened: boolean,
): never {
  const { login, instanceId } = reservation
  if (nothingHappened) release(deps, reservation, messageOf(error))
  deps.audit.record(
    login,
    `start ${instanceId} ${nothingHappened ? "failed" : "without an answer"}: ${messageOf(error)}`,
  )
  throw error
}
