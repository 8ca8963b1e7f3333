/** Terminating and stopping, one instance at a time: one that is protected must not keep the others running. */

import { messageOf } from "../../base/errors.ts"
import type { Instance } from "../../base/instance.ts"
import { earliestOf } from "../../base/time.ts"
import { awsNow } from "../usage/aws_time.ts"
import type { LedgerDeps } from "./deps.ts"
import { removeSchedules, setSchedules } from "./termination_schedules.ts"

export type EndAction = "terminate" | "stop"

export interface Ended {
  done: string[]
  failures: string[]
  /** What could not be told to the scheduler, a line each. */
  behind: string[]
}

/**
 * `actor`: on whose account the audit log has it; `why` completes "terminate i-…"; `attempt`: the kind of the lines that tell of no end.
 */
export async function endInstances(
  deps: LedgerDeps,
  action: EndAction,
  instances: readonly Pick<Instance, "id" | "region">[],
  actor: string,
  why: string,
  attempt: "regardless" | "attempt" = "regardless",
): Promise<Ended> {
  const ended: Ended = { done: [], failures: [], behind: [] }
  for (const { id, region } of instances) {
    deps.audit.record(actor, `${action} ${id}${why}`, attempt)
    try {
      const ec2 = await deps.aws.ec2(region)
      const { requestId, wasOn } = await (action === "terminate"
        ? ec2.terminate(id, { clearProtection: true })
        : ec2.stop(id, { clearProtection: true }))
      deps.usageDb.transaction(() => recordEnd(deps, action, id, wasOn))
      deps.audit.record(actor, `${action} ${id}: done (request ${requestId})`, "regardless")
      ended.done.push(id)
    } catch (error) {
      deps.audit.record(actor, `${action} ${id} failed: ${messageOf(error)}`, attempt)
      ended.failures.push(`${id}: ${messageOf(error)}`)
    }
  }
  const bringSchedules = action === "terminate" ? removeSchedules : setSchedules
  ended.behind.push(...(await bringSchedules(deps, actor, ended.done)))
  return ended
}

/** Charged until EC2 accepted it. */
function recordEnd({ aws, usageDb, clock }: LedgerDeps, action: EndAction, id: string, wasOn: boolean): void {
  const atUtcMs = awsNow({ aws, clock })
  if (action === "stop") {
    usageDb.leases.stopped(id, clock.now())
    usageDb.ledger.recordStopped(id, atUtcMs, wasOn)
    return
  }
  usageDb.leases.ended(id, clock.now())
  // What was off already ended at some time since it was last seen on.
  const earliestUtcMs = wasOn ? atUtcMs : (usageDb.ledger.instances.get(id)?.seenUtcMs ?? atUtcMs)
  usageDb.ledger.recordEnded(id, {
    earliestUtcMs: earliestOf(earliestUtcMs, atUtcMs),
    latestUtcMs: atUtcMs,
    evidence: "observed",
    // Off by then, spot may have been taken back by EC2.
    byEc2: wasOn ? false : null,
  })
}
