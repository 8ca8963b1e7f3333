/**
 * The ledger: what each login's instances, volumes and addresses have been doing, and what that comes to. Every `record…`
 * belongs inside the caller's transaction, and keeps the old tools' tables true beside it.
 */
import type { Database } from "bun:sqlite"
import type { Instance } from "../base/instance.ts"
import { msPerDay } from "../base/time.ts"
import {
  add,
  always,
  type Bounds,
  costOfAddress,
  costOfRun,
  nothing,
  type Tariff,
} from "../decisions/costs.ts"
import { dayOf } from "../decisions/days.ts"
import { type Evidence, exactly, type Instant } from "../decisions/intervals.ts"
import { costOfRental } from "../decisions/rentals.ts"
import { intervals, type StoredInterval } from "./intervals.ts"
import { offers } from "./offers.ts"
import { oldInstances } from "./old_instances.ts"
import { rentals } from "./rentals.ts"
import { type TrackedInstance, trackedInstances } from "./tracked_instances.ts"
import { usageSums } from "./usage_sums.ts"

export type Ledger = ReturnType<typeof ledger>

export function ledger(db: Database) {
  const offerTable = offers(db)
  const runs = intervals(db, offerTable)
  const tracked = trackedInstances(db, offerTable)
  const rented = rentals(db)
  const old = oldInstances(db)
  const sums = usageSums(db, { intervals: runs, rentals: rented })

  const openRun = (instance: TrackedInstance, start: Instant): void => {
    sums.know(instance.login)
    runs.add({ ...instance, start, end: null, endedByEc2: null })
  }

  const closeRun = (
    tariff: Tariff | null,
    run: StoredInterval,
    end: Instant,
    endedByEc2: boolean | null,
  ): void => {
    runs.setEnd(run.intervalId, end, endedByEc2)
    if (tariff) sums.addRun(tariff, { ...run, end, endedByEc2 })
    else sums.forget(run.login)
  }

  const endRun = (instanceId: string, end: Instant, endedByEc2: boolean | null): void => {
    for (const run of runs.ofInstance(instanceId)) if (!run.end) closeRun(null, run, end, endedByEc2)
  }

  return {
    intervals: runs,
    instances: tracked,
    rentals: rented,
    old,
    sums,
    openRun,
    closeRun,
    /** After a rollback: numbers given in it were taken back. */
    rolledBack: () => offerTable.forget(),

    /** What RunInstances answered: from its LaunchTime on each instance runs on its owner's account. */
    recordLaunch(launch: { login: string; reservationId: string; instances: readonly Instance[] }): void {
      for (const instance of launch.instances) {
        if (tracked.get(instance.id)) continue // settled before, by somebody else
        const known = trackedFrom(instance, launch)
        tracked.put(known)
        old.put({ ...known, startUtcMs: known.launchedAtUtcMs }, known.seenUtcMs)
        openRun(known, exactly(known.launchedAtUtcMs, "observed"))
      }
    },

    /** What is pending, runs or is stopped, as last known, of a login or, with null, of everybody. */
    openInstances: (login: string | null): TrackedInstance[] => tracked.notEnded(login),

    /** We stopped it: EC2 accepted that at `atUtcMs`. */
    recordStopped(instanceId: string, atUtcMs: number): void {
      const instance = tracked.get(instanceId)
      if (!instance || instance.state === "terminated") return
      endRun(instanceId, exactly(atUtcMs, "observed"), false)
      old.stopped(instanceId, atUtcMs)
      tracked.put({ ...instance, state: "stopped", seenUtcMs: Math.max(instance.seenUtcMs, atUtcMs) })
    },

    /** We started it again: EC2 accepted that at `atUtcMs`; only ours are, so nothing ran unseen in between. */
    recordStarted(instanceId: string, atUtcMs: number): void {
      const instance = tracked.get(instanceId)
      if (!instance || instance.state === "running") return
      const started: TrackedInstance = {
        ...instance,
        state: "pending",
        launchedAtUtcMs: atUtcMs,
        seenUtcMs: Math.max(instance.seenUtcMs, atUtcMs),
      }
      tracked.put(started)
      old.startedAgain(instanceId, atUtcMs)
      openRun(started, exactly(atUtcMs, "observed"))
    },

    /** We terminated it, or it is known to have ended between two instants. */
    recordEnded(
      instanceId: string,
      end: { earliestUtcMs: number; latestUtcMs: number; evidence: Evidence; byEc2?: boolean | null },
    ): void {
      const instance = tracked.get(instanceId)
      if (!instance || instance.state === "terminated") return
      const { byEc2 = false, ...instant } = end
      endRun(instanceId, instant, byEc2)
      const oldEnd = end.evidence === "vanished" ? end.earliestUtcMs : end.latestUtcMs
      old.startedAgain(instanceId, oldEnd)
      old.ended(instanceId, oldEnd)
      tracked.put({ ...instance, state: "terminated" })
    },

    /**
     * What a login or, with null, everybody who is somebody has spent since the UTC day of `sinceUtcMs` (null: ever), as far as
     * prices are known. Inside a transaction: it may have to compute sums anew.
     */
    spent(tariff: Tariff, login: string | null, sinceUtcMs: number | null, nowUtcMs: number): Bounds {
      sums.refresh(tariff, login)
      const fromDay = sinceUtcMs === null ? Number.MIN_SAFE_INTEGER : dayOf(sinceUtcMs)
      const range = sinceUtcMs === null ? always : { ...always, fromUtcMs: fromDay * msPerDay }
      let spent = sums.since(login, fromDay)
      const charge = (cost: Bounds | null) => {
        spent = add(spent, cost ?? nothing)
      }
      for (const run of runs.open(login)) {
        if (run.login === "") continue
        charge(costOfRun(tariff, run, nowUtcMs, range))
        charge(costOfAddress(run, nowUtcMs, range))
      }
      for (const rental of rented.open(login)) {
        if (rental.login !== "") charge(costOfRental(rental, nowUtcMs, range))
      }
      return spent
    },
  }
}

/** What the ledger keeps of an instance as EC2 shows it. */
export function trackedFrom(
  instance: Instance,
  { login, reservationId }: { login: string; reservationId: string },
): TrackedInstance {
  return {
    instanceId: instance.id,
    login,
    reservationId,
    instanceType: instance.type,
    market: instance.market,
    region: instance.region,
    zone: instance.zone,
    usageOperation: instance.usageOperation,
    state: instance.state,
    keyName: instance.keyName,
    publicIpv4: instance.publicIp !== "",
    launchedAtUtcMs: instance.launchedAtUtcMs,
    seenUtcMs: instance.launchedAtUtcMs,
  }
}
