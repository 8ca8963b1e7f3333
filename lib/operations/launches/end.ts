/** Terminating and stopping, one instance at a time: one that is protected must not keep the others running. */
import { messageOf } from "../../base/errors.ts"
import type { Instance } from "../../base/instance.ts"
import type { LedgerDeps } from "./deps.ts"
import { removeSwitches } from "./switches.ts"

export type EndAction = "terminate" | "stop"

export interface Ended {
  done: string[]
  failures: string[]
}

/** `actor`: on whose account the audit log has it; `why` completes "terminate i-…". */
export async function endInstances(
  deps: LedgerDeps,
  action: EndAction,
  instances: readonly Pick<Instance, "id" | "region">[],
  actor: string,
  why: string,
): Promise<Ended> {
  const ended: Ended = { done: [], failures: [] }
  for (const { id, region } of instances) {
    deps.audit.record(actor, `${action} ${id}${why}`)
    try {
      const ec2 = await deps.aws.ec2(region)
      const { requestId } = await (action === "terminate"
        ? ec2.terminate(id, { clearProtection: true })
        : ec2.stop(id, { clearProtection: true }))
      deps.usageDb.transaction(() => recordEnd(deps, action, id))
      deps.audit.record(actor, `${action} ${id}: done (request ${requestId})`)
      ended.done.push(id)
    } catch (error) {
      deps.audit.record(actor, `${action} ${id} failed: ${messageOf(error)}`)
      ended.failures.push(`${id}: ${messageOf(error)}`)
    }
  }
  if (action === "terminate") ended.failures.push(...(await removeSwitches(deps, ended.done)))
  return ended
}

/** Charged until EC2 accepted it. */
function recordEnd({ usageDb, clock }: LedgerDeps, action: EndAction, id: string): void {
  const nowUtcMs = clock.now()
  if (action === "stop") {
    usageDb.leases.stopped(id, nowUtcMs)
    usageDb.ledger.recordStopped(id, nowUtcMs)
    return
  }
  usageDb.leases.ended(id, nowUtcMs)
  usageDb.ledger.recordEnded(id, {
    earliestUtcMs: nowUtcMs,
    latestUtcMs: nowUtcMs,
    evidence: "observed",
  })
}
