/**
 * Brings reservations and what AWS has together after a crash, a kill, or a lost reply. AWS is asked for the reservation's tag;
 * what it has is recorded, what it does not have is given back. Anybody may do this for anybody, and doing it twice is harmless.
 */

import { messageOf, ToolError } from "../../base/errors.ts"
import { type Instance, tagOf } from "../../base/instance.ts"
import { times, total } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { earliestOf, later, type UtcMs } from "../../base/time.ts"
import type { Orphan } from "../../db/launches/presence.ts"
import type { Reservation } from "../../db/launches/reservations.ts"
import { reservationIdOf } from "../../decisions/launches/owners.ts"
import { forgottenAfterMs, settlementOf } from "../../decisions/launches/settlement.ts"
import { isOfStorage, settleStorage } from "../storage/settle_storage.ts"
import type { LedgerDeps } from "./deps.ts"
import type { Listing, OwnInstances } from "./own_instances.ts"
import { recordLaunched, recordRunning, recordStarted } from "./record_launch.ts"
import { inEachRegion } from "./regions.ts"
import { setSchedulesOf } from "./termination_schedules.ts"

/** How many a tool asks AWS about on its way; cron asks about all. */
const mostOpportunistic = 10

export interface Settled {
  settled: number
  released: number
  /** Still young, or their processes live. */
  waiting: number
}

const outcomeOf = { settle: "settled", release: "released", wait: "waiting" } as const

/**
 * Settles what can be settled; asks AWS only where something is left over. Throws where AWS does not answer, after what can be
 * settled in other regions.
 */
export async function settleReservations(
  deps: LedgerDeps,
  { most = mostOpportunistic }: { most?: number } = {},
): Promise<Settled> {
  const report: Settled = { settled: 0, released: 0, waiting: 0 }
  const orphans = deps.usageDb.presence.orphans(deps.usageDb.reservations.pending(null))
  const asked = orphans.slice(0, most).map((orphan) => ({ region: orphan.reservation.region, orphan }))
  const [failure] = await inEachRegion(asked, async (_, those) => {
    for (const { orphan } of those) {
      const outcome = await settleOne(deps, orphan)
      if (outcome !== null) report[outcome]++
    }
  })
  if (failure) throw failure.error
  report.waiting += Math.max(0, orphans.length - most)
  return report
}

/** Null where somebody else has settled it meanwhile. */
async function settleOne(deps: LedgerDeps, orphan: Orphan): Promise<keyof Settled | null> {
  const { reservation } = orphan
  if (isOfStorage(reservation)) {
    const outcome = outcomeOf[await settleStorage(deps, orphan)]
    if (outcome !== "waiting") audit(deps, reservation, outcome, [])
    return outcome
  }
  const listedAtUtcMs = deps.clock.now()
  const ec2 = await deps.aws.ec2(reservation.region)
  const instances = await ec2.instances(
    reservation.instanceId === null
      ? { tags: { [tagOf.reservation]: reservation.id } }
      : { ids: [reservation.instanceId] },
  )
  const outcome = deps.usageDb.transaction(() => {
    // Another tool has settled it meanwhile, and it may have been extended or stopped since.
    const current = deps.usageDb.reservations.byId(reservation.id)
    if (!current || current.state === "settled") return null
    // Its run marked it as sent after AWS was asked: it lives.
    if (current.sentAtUtcMs !== reservation.sentAtUtcMs) return "waiting"
    return settleOrphan(deps, { ...orphan, reservation: current }, { instances, listedAtUtcMs })
  })
  if (outcome === "settled") await setSchedulesOf(deps, reservation.login)
  const found = instances.filter((instance) => belongsTo(reservation, instance))
  if (outcome !== null && outcome !== "waiting") audit(deps, reservation, outcome, found)
  return outcome
}

/** The same for a tool that has something else to do: what keeps it from settling is said, and is no failure of the tool's. */
export async function settleOpportunistically(deps: LedgerDeps): Promise<string[]> {
  if (!hasPending(deps)) return []
  try {
    await settleReservations(deps)
    return []
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    return [`reservations not settled: ${messageOf(error)}`]
  }
}

/** A ledger that does not open is reported by what the tool itself needs of it, in one line and not two. */
function hasPending(deps: LedgerDeps): boolean {
  try {
    return deps.usageDb.reservations.pending(null).length > 0
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    return false
  }
}

/**
 * The same for the caller's own from a listing that was made anyway; inside the admission's transaction. Also takes in what
 * AWS made of a reservation after it was given back.
 */
export function settleOwn(deps: LedgerDeps, login: string, own: OwnInstances): void {
  const { usageDb } = deps
  for (const reservation of usageDb.reservations.pending(login)) {
    // of storage an instance listing says nothing
    const orphan = own.orphans.get(reservation.id)
    if (!orphan || isOfStorage(reservation)) continue
    if (orphan.reservation.sentAtUtcMs === reservation.sentAtUtcMs)
      settleOrphan(deps, { ...orphan, reservation }, own)
  }
  for (const instance of own.instances) {
    const id = reservationIdOf(instance)
    if (id === "" || usageDb.leases.of(instance.id)) continue
    const reservation = usageDb.reservations.byId(id)
    if (reservation && reservation.state !== "pending" && reservation.login === login) {
      recordLaunched(deps, reservation, [instance], "found after it was given back")
    }
  }
}

function settleOrphan(deps: LedgerDeps, { reservation, isCertain }: Orphan, listing: Listing): keyof Settled {
  const { listedAtUtcMs } = listing
  const found = listing.instances.filter((instance) => belongsTo(reservation, instance))
  const { id } = reservation
  const known = new Set(deps.usageDb.leases.ofReservation(id).map(({ instanceId }) => instanceId))
  for (const instance of found) known.add(instance.id)
  switch (settlementOf({ ...reservation, found: known.size, isAlive: false, isCertain, listedAtUtcMs })) {
    case "settle":
      if (reservation.kind === "start") recordStarted(deps, reservation, found[0] as Instance)
      else {
        recordLaunched(deps, reservation, found, "found at AWS")
        if (mayHaveEnded(reservation, listedAtUtcMs))
          recordUncertain(deps, reservation, reservation.count - known.size, listedAtUtcMs)
      }
      return "settled"
    case "release":
      deps.usageDb.reservations.finish(reservation.id, "released", "AWS has nothing of it", listedAtUtcMs)
      if (mayHaveEnded(reservation, listedAtUtcMs))
        recordUncertain(deps, reservation, reservation.count, listedAtUtcMs)
      return "released"
    case "wait":
      // What is listed has its lease at once, and the rest stays reserved.
      recordRunning(deps, reservation, found)
      return "waiting"
  }
}

/** Sent so long ago that AWS would have forgotten it by now. */
function mayHaveEnded({ kind, count, sentAtUtcMs }: Reservation, listedAtUtcMs: UtcMs): boolean {
  return (
    kind === "launch" && count > 0 && sentAtUtcMs !== null && listedAtUtcMs - sentAtUtcMs > forgottenAfterMs
  )
}

/** Nobody can tell any more whether these ran: they cost between nothing and all that was reserved, and reports show both. */
function recordUncertain(
  { usageDb, config }: LedgerDeps,
  reservation: Reservation,
  count: number,
  nowUtcMs: UtcMs,
): void {
  if (count <= 0) return
  const { id, login, region, instanceType, createdAtUtcMs, leaseEndsAtUtcMs } = reservation
  const { microUsdPerHour, storageMicroUsdPerHour, addressMicroUsdPerHour } = reservation
  const latestUtcMs = earliestOf(later(leaseEndsAtUtcMs, config.leases.enforcementMs), nowUtcMs)
  usageDb.ledger.flatRates.put({
    flatRateId: id,
    kind: "launch",
    login,
    region,
    description: `${plural(count, instanceType, instanceType)} that may have run`,
    microUsdPerHour: times(count, total([microUsdPerHour, storageMicroUsdPerHour, addressMicroUsdPerHour])),
    startEarliestUtcMs: createdAtUtcMs,
    startLatestUtcMs: latestUtcMs,
    seenUtcMs: createdAtUtcMs,
    endEarliestUtcMs: latestUtcMs,
    endLatestUtcMs: latestUtcMs,
    goesWithInstance: "",
  })
  usageDb.ledger.sums.forget(login)
}

export function belongsTo(reservation: Pick<Reservation, "id" | "instanceId">, instance: Instance): boolean {
  if (reservation.instanceId === null) return reservationIdOf(instance) === reservation.id
  const hasStarted = instance.state === "running" || instance.state === "pending"
  return instance.id === reservation.instanceId && hasStarted
}

function audit(
  deps: LedgerDeps,
  { id, login, count, instanceType }: Reservation,
  outcome: "settled" | "released",
  instances: readonly Instance[],
): void {
  const what =
    outcome === "settled"
      ? `found ${instances.map((instance) => instance.id).join(" ")}`
      : `AWS has nothing of it, ${plural(count, instanceType)} given back`
  deps.audit.record(login, `settled ${id}: ${what}`, "regardless")
}
