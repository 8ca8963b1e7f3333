/** The schedule that terminates an instance, and the tag that the instance's own timer reads: both follow the lease. */

import { Failed, messageOf } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import type { Lease } from "../../db/enforcement/leases.ts"
import type { LedgerDeps } from "./deps.ts"
import { scheduledTerminationOf } from "./plan.ts"

/** As many schedules at once as EventBridge takes without complaint. */
const atOnce = 10

/**
 * Brings the schedules of these instances to their leases' ends. What fails is said, and done by the next run of cron: the
 * database knows which are behind. `actor`: on whose account the audit log has it.
 */
export async function setSchedules(
  deps: LedgerDeps,
  actor: string,
  ids: readonly string[],
): Promise<string[]> {
  return each(ids, async (id) => {
    const lease = deps.usageDb.leases.of(id)
    if (!lease || lease.endedAtUtcMs !== null) return
    await setSchedule(deps, actor, lease, scheduledTerminationOf(deps.config, lease))
  })
}

/** Of all of a login's leases: what a crash left without one gets it by the owner's next run. */
export function setSchedulesOf(deps: LedgerDeps, login: string): Promise<string[]> {
  const ids = deps.usageDb.leases.open(login).map(({ instanceId }) => instanceId)
  return setSchedules(deps, login, ids)
}

export async function removeSchedules(
  deps: LedgerDeps,
  actor: string,
  ids: readonly string[],
): Promise<string[]> {
  return each(ids, async (id) => {
    const lease = deps.usageDb.leases.of(id)
    if (lease) await setSchedule(deps, actor, lease, null)
  })
}

/** Null removes it, and so does a config that names no role any more: it would terminate at an end that moves no longer. */
export async function setSchedule(
  { aws, audit, config, usageDb }: LedgerDeps,
  actor: string,
  { instanceId, region, terminationAtUtcMs }: Pick<Lease, "instanceId" | "region" | "terminationAtUtcMs">,
  atUtcMs: UtcMs | null,
): Promise<void> {
  if (terminationAtUtcMs === atUtcMs) return
  const role = config.leases.schedulerRole
  const isLeft = atUtcMs === null || role === null
  const what = isLeft
    ? `remove the switch of ${instanceId}`
    : `set the switch of ${instanceId} to ${isoUtc(atUtcMs)}`
  audit.record(actor, what, "regardless")
  try {
    const scheduler = await aws.scheduler(region)
    const { requestId } = await (isLeft
      ? scheduler.removeTermination(instanceId)
      : scheduler.putTermination(instanceId, atUtcMs, role))
    audit.record(actor, `${what}: done (request ${requestId})`, "regardless")
  } catch (error) {
    audit.record(actor, `${what} failed: ${messageOf(error)}`, "regardless")
    throw error
  }
  if (!usageDb.leases.scheduleSet(instanceId, terminationAtUtcMs, atUtcMs))
    throw new Failed("switch", "another run was setting it at the same time")
}

/** Shows the lease's end in the instance's tag, for its own timer. */
export async function announceEnds(deps: LedgerDeps, ids: readonly string[]): Promise<string[]> {
  return each(ids, async (id) => {
    const lease = deps.usageDb.leases.of(id)
    if (!lease || lease.announcedEndUtcMs === lease.endsAtUtcMs) return
    const ec2 = await deps.aws.ec2(lease.region)
    await ec2.tag([id], { [tagOf.leaseEnd]: isoUtc(lease.endsAtUtcMs) })
    deps.usageDb.leases.announced(id, lease.endsAtUtcMs)
  })
}

async function each(ids: readonly string[], work: (id: string) => Promise<void>): Promise<string[]> {
  const failures: string[] = []
  for (let start = 0; start < ids.length; start += atOnce) {
    await Promise.all(
      ids.slice(start, start + atOnce).map(async (id) => {
        try {
          await work(id)
        } catch (error) {
          failures.push(
            `${id}: its termination schedule is behind (${messageOf(error)}); the next run of cron sets it`,
          )
        }
      }),
    )
  }
  return failures
}
