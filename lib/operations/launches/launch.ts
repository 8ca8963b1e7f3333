/**
 * The only way to an instance. In this order: plan (policy, price) → admission with its reservation → intent in the audit log
 * → RunInstances → settle → schedules → outcome. Killed anywhere, it leaves a reservation that settle.ts brings to an end.
 */

import { randomUUID } from "node:crypto"
import type { LaunchRequest } from "../../aws/interfaces.ts"
import { AwsError } from "../../aws/protocol/errors.ts"
import { Failed, messageOf, Refused, ToolError } from "../../base/errors.ts"
import { type Instance, tagOf } from "../../base/instance.ts"
import { times, usd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import { markSent } from "./access.ts"
import { admissionReads, reserveLaunch } from "./admission.ts"
import { replayOf } from "./client_token.ts"
import type { LaunchDeps } from "./deps.ts"
import { missingCodes } from "./launch_lookups.ts"
import type { Launched } from "./launched.ts"
import { ownInstances } from "./own_instances.ts"
import { type LaunchPlan, planLaunch } from "./plan.ts"
import { recordLaunched, recordRunning } from "./record_launch.ts"
import { belongsTo } from "./settle.ts"
import { setSchedulesOf } from "./termination_schedules.ts"

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
  const plan = await planLaunch(deps, order)
  const replay = await replayOf(deps, order)
  if (replay) return { ...replay, notes: [] }
  deps.at?.("before admission")
  const own = await ownInstances(deps, caller.login)
  const id = randomUUID()
  const { reservation, left, writeIntent } = usageDb.transaction(
    () => {
      const reserved = reserveLaunch(deps, order, plan, own, id)
      const intent = `launch ${id}: ${describe(plan, order)}`
      return { ...reserved, writeIntent: order.dryRun ? null : deps.audit.chain(caller.login, intent) }
    },
    admissionReads(deps, caller.login, own, order),
  )
  const outcome = { ...summary(plan, order), left, notes: plan.notes }
  if (writeIntent === null) return { ...outcome, instances: [] }
  deps.at?.("reserved")
  writeIntent()
  deps.at?.("intent written")
  const isAllowed = markSent(deps, reservation)
  deps.at?.("sent")
  const { instances, requestId } = await ask(deps, reservation, plan, isAllowed)
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
  return { ...outcome, instances, notes: [...outcome.notes, ...notes] }
}

function summary({ rates, worst, leaseEndsAtUtcMs }: LaunchPlan, { count }: LaunchOrder) {
  return { microUsdPerHour: times(count, rates.microUsdPerHour), worst, leaseEndsAtUtcMs }
}

/** RunInstances; where its reply is lost, what AWS has of it. */
async function ask(
  deps: LaunchDeps,
  reservation: NewReservation,
  plan: LaunchPlan,
  isAllowed: () => boolean,
): Promise<{ instances: Instance[]; requestId: string }> {
  const request: LaunchRequest = {
    ...plan.request,
    clientToken: reservation.id,
    tags: { ...plan.request.tags, [tagOf.reservation]: reservation.id },
  }
  const ec2 = await deps.aws.ec2()
  try {
    return await deps.aws.guarded(isAllowed, () => ec2.launch(request))
  } catch (error) {
    const listed = await ec2
      .instances({ tags: { [tagOf.reservation]: reservation.id } })
      .catch((): Instance[] | null => null)
    const found = listed?.filter((instance) => belongsTo(reservation, instance)) ?? null
    if (found?.length === reservation.count)
      return { instances: found, requestId: "unknown, its reply was lost" }
    if (found && found.length > 0) return recordPart(deps, reservation, found, error)
    const nothingHappened = error instanceof AwsError && !error.mayHaveHappened && found !== null
    return giveUp(deps, reservation, error, nothingHappened)
  }
}

/** Some are listed, and a launch is of all: the rest stays reserved until AWS shows it. */
function recordPart(
  { usageDb, audit }: LaunchDeps,
  reservation: NewReservation,
  found: Instance[],
  error: unknown,
): never {
  usageDb.transaction(() => recordRunning({ usageDb }, reservation, found))
  const ids = found.map(({ id }) => id).join(" ")
  const missing = plural(reservation.count - found.length, "instance")
  audit.record(
    reservation.login,
    `launch ${reservation.id}: no answer: ${messageOf(error)}; listed of it ${ids}`,
  )
  throw new Failed(
    "launch",
    `${messageOf(error)}; ${ids} launched, and AWS does not list the other ${missing} yet: the next run of any tool finds out (ec2-active)`,
    { cause: error },
  )
}

/** Gives the reservation back where AWS did nothing; else leaves it, counted in full, for the next run to settle. */
function giveUp(
  deps: LaunchDeps,
  { id, login }: NewReservation,
  error: unknown,
  nothingHappened: boolean,
): never {
  if (nothingHappened) {
    deps.usageDb.transaction(() =>
      deps.usageDb.reservations.finish(id, "released", messageOf(error), deps.clock.now()),
    )
    deps.audit.record(login, `launch ${id} failed: ${messageOf(error)}`)
    throw error
  }
  deps.audit.record(login, `launch ${id}: no answer: ${messageOf(error)}`)
  const reason = `${error instanceof ToolError ? error.reason : messageOf(error)}; whether it launched is not known yet, the next run of any tool finds out (ec2-active)`
  throw error instanceof AwsError
    ? new AwsError("launch", reason, error.code, true, error.requestId, { cause: error })
    : new Failed("launch", reason, { cause: error })
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
