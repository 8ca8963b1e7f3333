/**
 * Instances that carry a reservation of ours and have no lease, since the ledger saw them before anybody settled them; or whose
 * lease was closed because AWS's listing had left them out.
 */

import type { RegionFailure } from "../../aws/regions.ts"
import { hasEnded, type Instance } from "../../base/instance.ts"
import { noMicroUsd } from "../../base/money.ts"
import { later, type UtcMs } from "../../base/time.ts"
import type { Reservation } from "../../db/launches/reservations.ts"
import { ownerOf, reservationIdOf } from "../../decisions/launches/owners.ts"
import { offerOf, priceOf } from "../../decisions/pricing/prices.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { recordLaunched } from "../launches/record_launch.ts"
import { inEachRegion } from "../launches/regions.ts"

/**
 * Gives each its lease: what its reservation says, or, where a restored database has forgotten it, the longest that is given.
 * Returns what did not answer.
 */
export async function adoptOrphanInstances(deps: LedgerDeps): Promise<RegionFailure[]> {
  const { usageDb, audit, clock } = deps
  const orphans = usageDb.ledger.openInstances(null).filter(({ instanceId, reservationId }) => {
    const lease = usageDb.leases.of(instanceId)
    return lease ? lease.endedAtUtcMs !== null : reservationId !== ""
  })
  return inEachRegion(orphans, async (region, those) => {
    const ec2 = await deps.aws.ec2(region)
    const ids = those.map(({ instanceId }) => instanceId)
    for (const instance of await ec2.instances({ ids })) {
      if (hasEnded(instance)) continue
      if (usageDb.leases.of(instance.id)) {
        usageDb.transaction(() => usageDb.leases.reopen(instance.id))
        audit.record(
          "enforcement",
          `lease of ${instance.id} of ${ownerOf(instance)} holds again: it is there`,
          "regardless",
        )
        continue
      }
      const id = reservationIdOf(instance)
      if (id === "") continue // its tags are copies
      const known = usageDb.reservations.byId(id)
      if (known?.state === "pending") continue // still somebody's to settle
      usageDb.transaction(() =>
        recordLaunched(
          deps,
          known ?? reservationFromInstance(deps, instance, clock.now()),
          [instance],
          "found running",
        ),
      )
      audit.record(
        "enforcement",
        `took in ${instance.id} of ${ownerOf(instance)}: it runs and nobody had recorded it`,
        "regardless",
      )
    }
  })
}

function reservationFromInstance(
  { usageDb, config }: LedgerDeps,
  instance: Instance,
  nowUtcMs: UtcMs,
): Reservation {
  const { type, region, usageOperation, market } = instance
  const offer = { ...offerOf(instance), atUtcMs: nowUtcMs }
  return {
    id: reservationIdOf(instance),
    login: ownerOf(instance),
    kind: "launch",
    state: "settled",
    region,
    instanceType: type,
    market,
    keyName: instance.keyName,
    image: instance.imageId,
    count: 1,
    usageOperation,
    microUsdPerHour: priceOf(usageDb.prices.tariff(config).book, offer) ?? noMicroUsd,
    storageMicroUsdPerHour: noMicroUsd,
    addressMicroUsdPerHour: noMicroUsd,
    worstMicroUsd: noMicroUsd,
    leaseEndsAtUtcMs: later(instance.launchedAtUtcMs, config.leases.maxMs),
    instanceId: null,
    process: "",
    createdAtUtcMs: instance.launchedAtUtcMs,
    sentAtUtcMs: instance.launchedAtUtcMs,
    awaited: 0,
    awaitedWorstMicroUsd: noMicroUsd,
  }
}
