/** What a create_volumes that was cut off has made: asked of AWS by the reservation's tag, as launches are. */
import { tagOf } from "../../base/instance.ts"
import type { Reservation } from "../../db/reservations.ts"
import { volumePriceOf } from "../../decisions/prices.ts"
import { type Settlement, settlementOf } from "../../decisions/settlement.ts"
import type { LedgerDeps } from "./deps.ts"

/** It counts no instance. */
export function isOfStorage({ kind, count }: Pick<Reservation, "kind" | "count">): boolean {
  return kind === "launch" && count === 0
}

export async function settleStorage(deps: LedgerDeps, reservation: Reservation): Promise<Settlement> {
  const { usageDb, clock } = deps
  const { id, login, region, createdAtUtcMs } = reservation
  const listedAtUtcMs = clock.now()
  const volumes = await (await deps.aws.ec2(region)).volumes({ tags: { [tagOf.reservation]: id } })
  const found = volumes.length > 0
  // Until then one more may be on its way, also where some are there.
  const settlement = settlementOf({ found: 0, count: 0, isAlive: false, createdAtUtcMs, listedAtUtcMs })
  if (settlement === "wait") return "wait"
  usageDb.transaction(() => {
    const ids = volumes.map((volume) => volume.id).join(" ")
    const isFirst = usageDb.reservations.finish(id, found ? "settled" : "released", ids, clock.now())
    if (!isFirst || !found) return
    usageDb.ledger.sums.know(login)
    const known = new Set(usageDb.ledger.rentals.open(login).map(({ rentalId }) => rentalId))
    for (const volume of volumes) {
      if (known.has(volume.id)) continue
      usageDb.ledger.rentals.put({
        ...{ rentalId: volume.id, kind: "volume", login, region },
        ...{
          description: `${volume.type} ${volume.gib} GiB`,
          microUsdPerHour: volumePriceOf(volume, region),
        },
        ...{ startEarliestUtcMs: volume.createdAtUtcMs, startLatestUtcMs: volume.createdAtUtcMs },
        ...{ endEarliestUtcMs: null, endLatestUtcMs: null, seenUtcMs: listedAtUtcMs, goesWithInstance: "" },
      })
    }
  })
  return found ? "settle" : "release"
}
