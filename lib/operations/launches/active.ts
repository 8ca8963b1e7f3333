/** What the caller has at EC2: instances that are not over, and open spot requests. */

import { Refused } from "../../base/errors.ts"
import type { Instance, SpotRequest } from "../../base/instance.ts"
import { earliestOf, msPerMinute, type UtcMs } from "../../base/time.ts"
import type { Lease } from "../../db/enforcement/leases.ts"
import { isOwnedBy } from "../../decisions/launches/owners.ts"
import { reasonDate } from "../../decisions/usage/transitions.ts"
import type { LaunchDeps } from "./deps.ts"
import { showsStoppedMs } from "./exposure.ts"
import { type Listing, type OwnInstances, ownInstances } from "./own_instances.ts"
import { settleOwn } from "./settle.ts"

export interface Active {
  instances: (Instance & { lease: Lease | null })[]
  spotRequests: SpotRequest[]
}

/** Everything of the caller's; settles on the way what a crash left of theirs. */
export async function active(deps: LaunchDeps): Promise<Active> {
  const own = await currentInstances(deps)
  const ec2 = await deps.aws.ec2()
  const requests = await ec2.spotRequests({ states: ["open"] })
  return {
    instances: own.instances
      .filter(({ state }) => state !== "terminated")
      .sort((a, b) => a.launchedAtUtcMs - b.launchedAtUtcMs || (a.id < b.id ? -1 : 1))
      .map((instance) => ({ ...instance, lease: deps.usageDb.leases.of(instance.id) })),
    spotRequests: requests.filter((request) => isOwnedBy(request, deps.caller.login, deps.config)),
  }
}

/** The caller's instances as AWS lists them now, with what it shows to be over noted in the leases. */
export async function currentInstances(deps: LaunchDeps): Promise<OwnInstances> {
  const { usageDb, caller } = deps
  const own = await ownInstances(deps, caller.login)
  usageDb.transaction(() => {
    settleOwn(deps, caller.login, own)
    noteStates(deps, own)
  })
  return own
}

/** Brings leases to what a listing shows: ended, stopped, running again. Inside a transaction. */
export function noteStates(
  { usageDb }: Pick<LaunchDeps, "usageDb">,
  { instances, listedAtUtcMs }: Listing,
): void {
  for (const instance of instances) {
    const { id, state } = instance
    const lease = usageDb.leases.of(id)
    if (!lease || lease.endedAtUtcMs !== null) continue
    // a start that is under way shows as stopped for a while
    const isSettledState = lease.runStartedAtUtcMs + showsStoppedMs < listedAtUtcMs
    if (state === "terminated") usageDb.leases.ended(id, listedAtUtcMs)
    else if (state === "stopped" && lease.stoppedAtUtcMs === null && isSettledState) {
      usageDb.leases.stopped(id, stoppedAt(instance, lease, listedAtUtcMs))
    } else if (state === "running" && lease.stoppedAtUtcMs !== null) {
      const isStarting = usageDb.reservations.pending(lease.login).some(({ instanceId }) => instanceId === id)
      if (!isStarting && lease.stoppedAtUtcMs < listedAtUtcMs - msPerMinute) usageDb.leases.runningAgain(id)
    }
  }
}

/** As EC2 dates it, where it does: what was stopped days before it was listed has not run that long. */
function stoppedAt(instance: Instance, { runStartedAtUtcMs }: Lease, listedAtUtcMs: UtcMs): UtcMs {
  const date = reasonDate(instance)
  return date === null || date < runStartedAtUtcMs ? listedAtUtcMs : earliestOf(date, listedAtUtcMs)
}

/** The instances of these ids; throws Refused where one is not the caller's. */
export function owned(own: OwnInstances, ids: readonly string[], login: string): Instance[] {
  const byId = new Map(own.instances.map((instance) => [instance.id, instance]))
  return [...new Set(ids)].map((id) => {
    const instance = byId.get(id)
    if (!instance) throw new Refused(id, `is not an instance of ${login}`)
    return instance
  })
}
