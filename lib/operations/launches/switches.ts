/** The scheduler's dead-man's switch, and the tag that the instance's own timer reads: both follow the lease. */

import { messageOf } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { isoUtc } from "../../base/time.ts"
import type { LedgerDeps } from "./deps.ts"
import { switchAtOf } from "./plan.ts"

/** As many schedules at once as EventBridge takes without complaint. */
const atOnce = 10

/**
 * Brings the switches of these instances to their leases' ends. What fails is said, and done by the next run of cron: the
 * database knows which are behind.
 */
export async function setSwitches(deps: LedgerDeps, ids: readonly string[]): Promise<string[]> {
  const role = deps.config.leases.schedulerRole
  if (role === null) return []
  return each(ids, async (id) => {
    const lease = deps.usageDb.leases.of(id)
    if (!lease || lease.endedAtUtcMs !== null) return
    const at = switchAtOf(deps.config, lease)
    if (lease.switchAtUtcMs === at) return
    await (await deps.aws.scheduler()).putTermination(id, at, role)
    deps.usageDb.leases.switchSet(id, at)
  })
}

/** Of all of a login's leases: what a crash left without one gets it by the owner's next run. */
export function setSwitchesOf(deps: LedgerDeps, login: string): Promise<string[]> {
  if (deps.config.leases.schedulerRole === null) return Promise.resolve([])
  const ids = deps.usageDb.leases.open(login).map(({ instanceId }) => instanceId)
  return setSwitches(deps, ids)
}

export async function removeSwitches(deps: LedgerDeps, ids: readonly string[]): Promise<string[]> {
  return each(ids, async (id) => {
    if (deps.usageDb.leases.of(id)?.switchAtUtcMs == null) return
    await (await deps.aws.scheduler()).removeTermination(id)
    deps.usageDb.leases.switchSet(id, null)
  })
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
          failures.push(`${id}: its switch is behind (${messageOf(error)}); the next run of cron sets it`)
        }
      }),
    )
  }
  return failures
}
