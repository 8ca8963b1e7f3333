/**
 * RunInstances, once or several times: the next zone or type is asked for only after EC2 has refused the one before for want of room. Each
 * attempt has its own ClientToken and is in the ledger before it is sent. A lost reply ends it: all stays reserved.
 */
import type { LaunchRequest } from "../../aws/interfaces.ts"
import { AwsError } from "../../aws/protocol/errors.ts"
import { Failed, messageOf, ToolError } from "../../base/errors.ts"
import { type Instance, tagOf } from "../../base/instance.ts"
import { plural } from "../../base/text.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import {
  attemptAfter,
  attemptsOf,
  attemptToken,
  type PlannedAttempt,
  triedLine,
} from "../../decisions/launches/capacity.ts"
import { isBurstable } from "../../decisions/launches/launch_policy.ts"
import { markSent } from "./access.ts"
import type { LaunchDeps } from "./deps.ts"
import type { LaunchPlan } from "./plan.ts"
import { recordRunning } from "./record_launch.ts"
import { belongsTo } from "./settle.ts"

/** What AWS has of a launch. */
export interface Placed {
  instances: Instance[]
  requestId: string
  /** The one that EC2 had room for. */
  attempt: PlannedAttempt
  /** Those that it had none for. */
  refused: PlannedAttempt[]
}

/** Throws what EC2 said last, with what was tried; Refused where the caller was suspended meanwhile. */
export async function launchWhereRoom(
  deps: LaunchDeps,
  reservation: NewReservation,
  plan: LaunchPlan,
): Promise<Placed> {
  const market = reservation.market
  const candidates = plan.candidates.map(({ instanceType, rates }) => ({
    instanceType,
    market,
    microUsdPerHour: rates.microUsdPerHour,
  }))
  const attempts = attemptsOf(candidates, plan.zones)
  const refused: PlannedAttempt[] = []
  for (let attempt = attempts[0] as PlannedAttempt; ; ) {
    const isAllowed = markSent(deps, reservation, attempt)
    deps.at?.(refused.length === 0 ? "sent" : "sent again")
    try {
      const found = await ask(deps, reservation, requestOf(plan, reservation, attempt), isAllowed)
      return { ...found, attempt, refused }
    } catch (error) {
      if (!(error instanceof NothingLaunched)) throw error
      refused.push(attempt)
      const next = error.isFinal ? null : attemptAfter(attempts, attempt, error.code)
      if (next === null) giveBack(deps, reservation, error.cause, refused)
      noteRefusal(deps, reservation, attempt, error, next)
      deps.at?.("refused")
      attempt = next
    }
  }
}

function requestOf(
  { request, candidates }: LaunchPlan,
  { id }: NewReservation,
  { number, instanceType, zone }: PlannedAttempt,
): LaunchRequest {
  const candidate = candidates.find((one) => one.instanceType === instanceType)
  return {
    ...request,
    instanceType,
    zone,
    spotMaxMicroUsdPerHour: candidate?.spotMax ?? null,
    standardCredits: isBurstable(instanceType),
    clientToken: attemptToken(id, number),
    tags: { ...request.tags, [tagOf.reservation]: id },
  }
}

/** EC2 answered that it did nothing, and lists nothing of the reservation. */
class NothingLaunched extends Error {
  constructor(
    override readonly cause: AwsError,
    /** It may yet come of an earlier try at the same request: nothing else is asked for. */
    readonly isFinal: boolean,
  ) {
    super(cause.message)
  }

  get code(): string {
    return this.cause.code
  }
}

/** One RunInstances; where its reply is lost, what AWS has of it. */
async function ask(
  deps: LaunchDeps,
  reservation: NewReservation,
  request: LaunchRequest,
  isAllowed: () => boolean,
): Promise<{ instances: Instance[]; requestId: string }> {
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
    if (error instanceof AwsError && !error.mayHaveHappened && found !== null)
      throw new NothingLaunched(error, error.afterLostReply)
    return leaveReserved(deps, reservation, error)
  }
}

/** Some are listed, and a launch is of all: the rest stays reserved until AWS shows it. */
function recordPart(deps: LaunchDeps, reservation: NewReservation, found: Instance[], error: unknown): never {
  deps.usageDb.transaction(() => recordRunning(deps, reservation, found))
  const ids = found.map(({ id }) => id).join(" ")
  const missing = plural(reservation.count - found.length, "instance")
  deps.audit.record(
    reservation.login,
    `launch ${reservation.id}: no answer: ${messageOf(error)}; listed of it ${ids}`,
  )
  throw new Failed(
    "launch",
    `${messageOf(error)}; ${ids} launched, and AWS does not list the other ${missing} yet: the next run of any tool finds out (ec2-active)`,
    { cause: error },
  )
}

/** In the ledger first, then in the audit log with what comes next, which is in the ledger before it is sent. */
function noteRefusal(
  { usageDb, audit }: LaunchDeps,
  { id, login }: NewReservation,
  { number }: PlannedAttempt,
  { code }: NothingLaunched,
  next: PlannedAttempt,
): void {
  usageDb.transaction(() => usageDb.attempts.refused(id, number, code))
  audit.record(
    login,
    `launch ${id}: ${code}; next ${next.instanceType} in ${next.zone ?? "any zone"} (${attemptToken(id, next.number)})`,
  )
}

/** AWS did nothing: nothing is reserved any more. */
function giveBack(
  { usageDb, audit, clock }: LaunchDeps,
  { id, login }: NewReservation,
  error: AwsError,
  refused: readonly PlannedAttempt[],
): never {
  usageDb.transaction(() => {
    usageDb.attempts.refused(id, refused.at(-1)?.number ?? 0, error.code)
    usageDb.reservations.finish(id, "released", error.message, clock.now())
  })
  const tried = refused.length > 1 ? `; tried ${triedLine(refused)}` : ""
  audit.record(login, `launch ${id} failed: ${error.message}${tried}`)
  if (tried === "") throw error
  throw new AwsError("launch", `${error.reason}${tried}`, error.code, false, error.requestId, {
    cause: error,
  })
}

/** Leaves the reservation, counted in full, for the next run to settle. */
function leaveReserved({ audit }: LaunchDeps, { id, login }: NewReservation, error: unknown): never {
  audit.record(login, `launch ${id}: no answer: ${messageOf(error)}`)
  const reason = `${error instanceof ToolError ? error.reason : messageOf(error)}; whether it launched is not known yet, the next run of any tool finds out (ec2-active)`
  throw error instanceof AwsError
    ? new AwsError("launch", reason, error.code, true, error.requestId, { cause: error })
    : new Failed("launch", reason, { cause: error })
}
