/** Looks at one user's instances before a report on them: EC2 knows better than the last snapshot. */

import { acrossRegions, type SilentRegion } from "../../aws/regions.ts"
import { type Instance, tagOf } from "../../base/instance.ts"
import { ownerOf } from "../../decisions/launches/owners.ts"
import type { Observation } from "../../decisions/usage/observations.ts"
import { observationSince } from "./aws_time.ts"
import { recordAbsent, recordObserved } from "./record_observation.ts"
import type { SnapshotDeps } from "./snapshot.ts"

/** Returns the regions of which nothing is recorded, since EC2 does not answer in full there; throws where none answers. */
export async function refreshUser(
  { aws, usageDb, config, clock }: SnapshotDeps,
  login: string,
): Promise<SilentRegion[]> {
  const known = usageDb.ledger.instances.notEnded(login)
  const { answers, silent } = await acrossRegions(config.aws.regions, async (region) => {
    const fromUtcMs = clock.now()
    const ec2 = await aws.ec2(region)
    const ids = known.filter((instance) => instance.region === region).map(({ instanceId }) => instanceId)
    const [tagged, keyed, byId, requests] = await Promise.all([
      ec2.instances({ tags: { [tagOf.owner]: login } }),
      ec2.instances({ keyNames: [{ beginning: `${login}-` }] }),
      ec2.instances({ ids }),
      ec2.spotRequests({ states: ["open"] }),
    ])
    const theirs = [...tagged, ...keyed].filter((instance) => ownerOf(instance) === login)
    const seen = new Map([...theirs, ...byId].map((instance) => [instance.id, instance]))
    const look = observationSince({ aws, clock }, fromUtcMs)
    const previousUtcMs = usageDb.snapshots.lastBefore(region, look.fromUtcMs)?.startedUtcMs ?? null
    const observation: Observation = { ...look, previousUtcMs }
    return { observation, seen, gone: ids.filter((id) => !seen.has(id)), requests }
  })
  const looks = [...answers.values()]
  const tariff = usageDb.prices.tariff(config)
  usageDb.transaction(() => {
    for (const { observation, seen, gone } of looks) {
      for (const instance of seen.values()) {
        recordObserved(usageDb, tariff, { ...instance, publicIpv4: mayHaveOwnAddress(instance) }, observation)
      }
      for (const id of gone) recordAbsent(usageDb, tariff, id, observation)
    }
    const open = looks.flatMap(({ requests }) => requests).filter((request) => ownerOf(request) === login)
    const rows = open.map(({ id: requestId, instanceType, createdAtUtcMs: requestedAtUtcMs }) => ({
      ...{ requestId, instanceType, requestedAtUtcMs, login },
    }))
    if (silent.every(({ isNotEnabled }) => isNotEnabled)) usageDb.spotRequests.replaceOf(login, rows)
    else usageDb.spotRequests.add(rows)
  })
  return silent

  /** Elastic addresses are paid for by themselves. */
  function mayHaveOwnAddress({ publicIp }: Instance): boolean {
    return publicIp !== "" && !usageDb.ledger.flatRates.isAddress(publicIp)
  }
}
