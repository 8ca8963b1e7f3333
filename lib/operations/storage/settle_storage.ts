/** What a create_volumes or create_snapshot that was cut off has made: asked of AWS by the reservation's tag, as launches are. */

import { tagOf } from "../../base/instance.ts"
import type { UtcMs } from "../../base/time.ts"
import type { Orphan } from "../../db/launches/presence.ts"
import type { Reservation } from "../../db/launches/reservations.ts"
import { type Settlement, settlementOf } from "../../decisions/launches/settlement.ts"
import { type FlatRateCharge, snapshotDescription } from "../../decisions/pricing/flat_rate_charges.ts"
import { snapshotPriceOf, volumePriceOf } from "../../decisions/pricing/prices.ts"
import type { LedgerDeps } from "../launches/deps.ts"

/** It counts no instance. */
export function isOfStorage({ kind, count }: Pick<Reservation, "kind" | "count">): boolean {
  return kind === "launch" && count === 0
}

export async function settleStorage(
  deps: LedgerDeps,
  { reservation, isCertain }: Orphan,
): Promise<Settlement> {
  const { usageDb, clock } = deps
  const { id, login } = reservation
  const listedAtUtcMs = clock.now()
  const made = await madeFor(deps, reservation)
  // Until then one more may be on its way, also where some are there.
  const settlement = settlementOf({ ...reservation, found: 0, isAlive: false, isCertain, listedAtUtcMs })
  if (settlement === "wait") return "wait"
  usageDb.transaction(() => {
    const ids = made.map(({ flatRateId }) => flatRateId).join(" ")
    const isFirst = usageDb.reservations.finish(
      id,
      made.length > 0 ? "settled" : "released",
      ids,
      clock.now(),
    )
    if (!isFirst || made.length === 0) return
    usageDb.ledger.sums.know(login)
    const known = new Set(usageDb.ledger.flatRates.open(login).map(({ flatRateId }) => flatRateId))
    for (const flatRate of made) if (!known.has(flatRate.flatRateId)) usageDb.ledger.flatRates.put(flatRate)
  })
  return made.length > 0 ? "settle" : "release"
}

async function madeFor(
  { aws, clock }: LedgerDeps,
  { id, login, region }: Reservation,
): Promise<FlatRateCharge[]> {
  const ec2 = await aws.ec2(region)
  const filter = { tags: { [tagOf.reservation]: id } }
  const seenUtcMs = clock.now()
  const [volumes, snapshots] = await Promise.all([ec2.volumes(filter), ec2.snapshots(filter)])
  const flatRate = (
    what: Pick<FlatRateCharge, "flatRateId" | "kind" | "description" | "microUsdPerHour">,
    atUtcMs: UtcMs,
  ): FlatRateCharge => ({
    ...what,
    login,
    region,
    startEarliestUtcMs: atUtcMs,
    startLatestUtcMs: atUtcMs,
    endEarliestUtcMs: null,
    endLatestUtcMs: null,
    seenUtcMs,
    goesWithInstance: "",
  })
  return [
    ...volumes.map((volume) => {
      const what = {
        description: `${volume.type} ${volume.gib} GiB`,
        microUsdPerHour: volumePriceOf(volume, region),
      }
      return flatRate({ flatRateId: volume.id, kind: "volume", ...what }, volume.createdAtUtcMs)
    }),
    ...snapshots.map((snapshot) => {
      const { gib, startedAtUtcMs } = snapshot
      const what = { description: snapshotDescription(gib), microUsdPerHour: snapshotPriceOf(gib, region) }
      return flatRate({ flatRateId: snapshot.id, kind: "snapshot", ...what }, startedAtUtcMs)
    }),
  ]
}
