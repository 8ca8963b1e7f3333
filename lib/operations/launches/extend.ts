/** Moving the end of leases, within the ceiling and the budget: an admission of what the longer run may cost. */

import { Refused } from "../../base/errors.ts"
import { hasEnded, type Instance } from "../../base/instance.ts"
import { minus, noMicroUsd, total } from "../../base/money.ts"
import { duration, isoUtc, later, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { Lease } from "../../db/enforcement/leases.ts"
import { admit, type Headroom, headroomOf } from "../../decisions/launches/admission.ts"
import { ceilingOf } from "../../decisions/launches/running_time.ts"
import { leaseTerms, remainingCost } from "../../decisions/launches/worst_case.ts"
import { limitText } from "../../decisions/requests/limit_request.ts"
import { requireNotHalted } from "./access.ts"
import { admissionReads } from "./admission.ts"
import type { LaunchDeps } from "./deps.ts"
import { exposureOf } from "./exposure.ts"
import { endedGrants, limitsOf } from "./limits.ts"
import type { OwnInstances } from "./own_instances.ts"
import { announceEnds, setSchedules } from "./termination_schedules.ts"

export interface Extended {
  leases: { instanceId: string; endsAtUtcMs: UtcMs }[]
  left: Headroom
  notes: string[]
}

/** Extends all of them or none. Throws Refused. */
export async function extendLeases(
  deps: LaunchDeps,
  instances: readonly Instance[],
  byMs: number,
  own: OwnInstances,
  { dryRun }: { dryRun: boolean },
): Promise<Extended> {
  const { usageDb, audit, caller } = deps
  if (!dryRun) audit.requireRoom(caller.login)
  const ids = instances.map(({ id }) => id)
  const { leases, left } = usageDb.transaction(
    () => reserve(deps, instances, byMs, own, dryRun),
    admissionReads(deps, caller.login, own),
  )
  if (dryRun) return { leases, left, notes: [] }
  // The lease is in the database, which is the truth; the schedules follow, and cron sees to those that do not.
  for (const { instanceId, endsAtUtcMs } of leases) {
    audit.record(caller.login, `extend ${instanceId} by ${duration(byMs)} until ${isoUtc(endsAtUtcMs)}`)
  }
  const notes = [...(await setSchedules(deps, caller.login, ids)), ...(await announceEnds(deps, ids))]
  return { leases, left, notes }
}

function reserve(
  deps: LaunchDeps,
  instances: readonly Instance[],
  byMs: number,
  own: OwnInstances,
  dryRun: boolean,
): Pick<Extended, "leases" | "left"> {
  const { usageDb, config, caller, clock } = deps
  const nowUtcMs = clock.now()
  requireNotHalted(deps, caller.login)
  const terms = leaseTerms(config)
  const extended = instances.map((instance) => {
    const lease = leaseOf(deps, instance)
    const endsAtUtcMs = later(lease.endsAtUtcMs, byMs)
    if (endsAtUtcMs <= nowUtcMs) throw new Refused(instance.id, endsInThePast(lease, byMs, nowUtcMs))
    const ceiling = ceilingOf(lease, config.leases.maxMs)
    if (endsAtUtcMs > ceiling) throw new Refused(instance.id, overCeiling(deps, lease, endsAtUtcMs))
    const isRunning = lease.stoppedAtUtcMs === null
    const costUntil = (endsAtUtcMs: UtcMs) =>
      remainingCost(lease, { ...lease, endsAtUtcMs, isRunning }, nowUtcMs, terms)
    return { lease, endsAtUtcMs, worst: minus(costUntil(endsAtUtcMs), costUntil(lease.endsAtUtcMs)) }
  })
  requireWithinAfterGrants(
    deps,
    extended.map(({ lease }) => lease),
    own,
    nowUtcMs,
  )
  const worst = total(extended.map((one) => one.worst))
  const admission = admit(
    exposureOf(deps, caller.login, own, nowUtcMs),
    { verb: "asked", count: 0, microUsdPerHour: noMicroUsd, worst },
    limitsOf(deps, caller.login),
    config.courseBudget,
  )
  if (!admission.allow) throw new Refused("extend", admission.because, admission.hint)
  if (!dryRun) {
    for (const { lease, endsAtUtcMs } of extended) usageDb.leases.extend(lease.instanceId, endsAtUtcMs)
  }
  return {
    leases: extended.map(({ lease, endsAtUtcMs }) => ({ instanceId: lease.instanceId, endsAtUtcMs })),
    left: admission.left,
  }
}

/** What was admitted under a grant that has ended since runs to its lease's end, and no longer. */
function requireWithinAfterGrants(
  deps: LaunchDeps,
  leases: readonly Lease[],
  own: OwnInstances,
  nowUtcMs: UtcMs,
): void {
  const { caller, config } = deps
  const since = Math.min(...leases.map(({ runStartedAtUtcMs }) => runStartedAtUtcMs))
  const grant = endedGrants(deps, caller.login, utcMsOf(since)).at(-1)
  if (!grant) return
  const limits = limitsOf(deps, caller.login)
  const left = headroomOf(exposureOf(deps, caller.login, own, nowUtcMs), limits, config.courseBudget)
  if (left.hourly >= 0 && left.instances >= 0) return
  throw new Refused(
    "extend",
    `the grant of ${limitText(grant)} ended at ${isoUtc(grant.endsAtUtcMs)}, and what runs is beyond the limits since; end some of it first`,
  )
}

/** The next run of enforcement would end it all the same. */
function endsInThePast({ endsAtUtcMs }: Lease, byMs: number, nowUtcMs: UtcMs): string {
  const ended = `its lease ended ${duration(nowUtcMs - endsAtUtcMs)} ago, at ${isoUtc(endsAtUtcMs)}`
  return `${ended}: ${duration(byMs)} more would be over already, wanted longer than that`
}

function overCeiling({ config }: LaunchDeps, lease: Lease, endsAtUtcMs: UtcMs): string {
  const { maxMs } = config.leases
  const { runStartedAtUtcMs, ranBeforeMs } = lease
  const after = `${duration(endsAtUtcMs - runStartedAtUtcMs)} after its start`
  const before =
    ranBeforeMs > 0
      ? `, which makes ${duration(endsAtUtcMs - runStartedAtUtcMs + ranBeforeMs)} with the ${duration(ranBeforeMs)} that it ran before`
      : ""
  return `would end ${after}${before}, at most ${duration(maxMs)} (until ${isoUtc(ceilingOf(lease, maxMs))})`
}

function leaseOf({ usageDb }: LaunchDeps, instance: Instance): Lease {
  const { id, state } = instance
  const lease = usageDb.leases.of(id)
  if (!lease) throw new Refused(id, "was not launched through ec2-run and has no lease")
  if (hasEnded(instance)) throw new Refused(id, `is ${state}`)
  return lease
}
