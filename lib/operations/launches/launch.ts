/**
 * The only way to an instance. In this order: plan (policy, price) → admission with its reservation → intent in the audit log
 * → RunInstances → settle → schedules → outcome. Killed anywhere, it leaves a reservation that settle.ts brings to an end.
 */

import { randomUUID } from "node:crypto"
import { AwsError } from "../../aws/protocol/errors.ts"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import type { Instance } from "../../base/instance.ts"
import { minus, times, usd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import { type Headroom, withGivenBack } from "../../decisions/launches/admission.ts"
import { triedLine } from "../../decisions/launches/capacity.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import { requireOwnInstallation } from "./access.ts"
import { admissionReads, reserveLaunch } from "./admission.ts"
import { launchWhereRoom, type Placed } from "./attempts.ts"
import { replayOf } from "./client_token.ts"
import type { LaunchDeps } from "./deps.ts"
import { missingCodes } from "./launch_lookups.ts"
import type { Launched } from "./launched.ts"
import { ownInstances } from "./own_instances.ts"
import { type LaunchPlan, planLaunch, worstCaseOf } from "./plan.ts"
import { recordLaunched } from "./record_launch.ts"
import { setSchedulesOf } from "./termination_schedules.ts"
import { askVcpuQuotas } from "./vcpu_room.ts"

/** Launches; throws Refused with the arithmetic, UsageError, or Failed. */
export async function launch(deps: LaunchDeps, order: LaunchOrder): Promise<Launched> {
  try {
    return await launchOnce(deps, order)
  } catch (error) {
    // What we remembered of images and groups is gone: look again, once.
    if (error instanceof AwsError && missingCodes.test(error.code) && forgetLookups(deps)) {
      return await auditingRefusal(deps, order, () => launchOnce(deps, order))
    }
    auditRefusal(deps, order, error)
    throw error
  }
}

async function launchOnce(deps: LaunchDeps, order: LaunchOrder): Promise<Launched> {
  const { usageDb, caller } = deps
  deps.audit.requireRoom(caller.login)
  await requireOwnInstallation(deps)
  const planned = await planLaunch(deps, order)
  const replay = await replayOf(deps, order)
  if (replay) return { ...replay, notes: [] }
  deps.at?.("before admission")
  const own = await ownInstances(deps, caller.login)
  const id = randomUUID()
  const types = planned.candidates.map(({ instanceType }) => instanceType)
  const quotas = await askVcpuQuotas(deps, types)
  const { reservation, left, plan, writeIntent } = usageDb.transaction(
    () => {
      const reserved = reserveLaunch(deps, order, { plan: planned, own, id, quotas })
      const intent = `launch ${id}: ${describe(reserved.plan, order)}`
      return { ...reserved, writeIntent: order.dryRun ? null : deps.audit.chain(caller.login, intent) }
    },
    admissionReads(deps, caller.login, own, { order, quotas, types }),
  )
  const outcome = { ...summary(plan, order), left, notes: plan.notes }
  if (writeIntent === null) return { ...outcome, instances: [] }
  deps.at?.("reserved")
  writeIntent()
  deps.at?.("intent written")
  const placed = await launchWhereRoom(deps, reservation, plan)
  const { instances, requestId } = placed
  deps.at?.("launched")
  settle(deps, reservation, instances, requestId)
  deps.at?.("settled")
  const notes = await setSchedulesOf(deps, caller.login)
  deps.at?.("scheduled")
  deps.audit.record(
    caller.login,
    `launched ${id}: ${instances.map((instance) => instance.id).join(" ")} (request ${requestId})`,
  )
  deps.at?.("outcome written")
  return {
    ...outcome,
    ...costOfPlaced(deps, order, plan, placed, left),
    instances,
    notes: [...outcome.notes, ...placedNote(placed), ...notes],
  }
}

/** What came may be cheaper than what was reserved, and not what was asked for first. */
function costOfPlaced(
  deps: LaunchDeps,
  order: LaunchOrder,
  plan: LaunchPlan,
  { attempt: { microUsdPerHour } }: Placed,
  left: Headroom,
): Pick<Launched, "microUsdPerHour" | "worst" | "left"> {
  const worst = worstCaseOf(deps, order, { ...plan.rates, microUsdPerHour }, plan.leaseEndsAtUtcMs)
  const hourly = times(order.count, microUsdPerHour)
  const reserved = times(order.count, plan.rates.microUsdPerHour)
  return {
    microUsdPerHour: hourly,
    worst,
    left: withGivenBack(left, minus(reserved, hourly), minus(plan.worst, worst)),
  }
}

function placedNote({ instances: [instance], attempt, refused }: Placed): string[] {
  if (refused.length === 0) return []
  const { instanceType } = attempt
  return [`launched ${instanceType} in ${instance?.zone || "some zone"}; no room: ${triedLine(refused)}`]
}

function summary({ rates, worst, leaseEndsAtUtcMs }: LaunchPlan, { count }: LaunchOrder) {
  return { microUsdPerHour: times(count, rates.microUsdPerHour), worst, leaseEndsAtUtcMs }
}

/** Records what runs. Where that cannot be done, the reservation stays, and the next run does it. */
function settle(
  deps: LaunchDeps,
  reservation: NewReservation,
  instances: Instance[],
  requestId: string,
): void {
  try {
    deps.usageDb.transaction(() => {
      recordLaunched(deps, reservation, instances, `launched (request ${requestId})`)
      deps.at?.("in settling")
    })
  } catch (error) {
    const ids = instances.map(({ id }) => id).join(" ")
    throw new Failed(
      "launch",
      `${ids} launched but could not be recorded (${messageOf(error)}); the next run of any tool does it`,
      { cause: error },
    )
  }
}

function describe(
  { request, rates, worst, leaseEndsAtUtcMs, notes }: LaunchPlan,
  order: LaunchOrder,
): string {
  const { userData, blockDevices, tags, ...shown } = request
  const volumes = blockDevices.map(({ gib }) => `${gib} GiB`).join(" + ") || "none"
  return `${JSON.stringify({ ...shown, volumes, tags: order.tags })} at ${usd(rates.microUsdPerHour)}/h each, at most ${usd(worst)} until ${isoUtc(leaseEndsAtUtcMs)}${notes.map((note) => `; ${note}`).join("")}`
}

async function auditingRefusal<T>(deps: LaunchDeps, order: LaunchOrder, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    auditRefusal(deps, order, error)
    throw error
  }
}

function auditRefusal(deps: LaunchDeps, order: LaunchOrder, error: unknown): void {
  if (!(error instanceof Refused)) return
  const { userData, ...request } = order
  const asked = plural(order.count, "instance")
  deps.audit.record(
    deps.caller.login,
    `${order.dryRun ? "dry run" : "launch"} of ${asked} refused: ${error.message}: ${JSON.stringify(request)}`,
    "refusal",
  )
}

function forgetLookups({ usageDb, caller }: LaunchDeps): boolean {
  usageDb.transaction(() => {
    usageDb.lookups.forget()
    usageDb.sshGroups.doubt(caller.login)
  })
  return true
}
