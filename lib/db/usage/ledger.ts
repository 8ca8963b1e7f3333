/**
 * The ledger: what each login's instances, volumes and addresses have been doing, and what that comes to. Every `record…`
 * belongs inside the caller's transaction, and keeps the old tools' tables true beside it.
 */

import { hasEnded, type Instance } from "../../base/instance.ts"
import { earliestOf, latestOf, msPerMinute, type UtcMs } from "../../base/time.ts"
import {
  add,
  always,
  type Bounds,
  costOfAddress,
  costOfRun,
  nothing,
  type Tariff,
} from "../../decisions/pricing/costs.ts"
import { dayOf, startOfDay } from "../../decisions/pricing/days.ts"
import { costOfFlatRate } from "../../decisions/pricing/flat_rate_charges.ts"
import { runsOfOld } from "../../decisions/usage/old_runs.ts"
import { between, type Evidence, exactly, type Instant, type Run } from "../../decisions/usage/runs.ts"
import type { Db } from "../db.ts"
import { oldInstances } from "../legacy/old_instances.ts"
import { oldRows } from "../legacy/old_rows.ts"
import { oldSums } from "../legacy/old_sums.ts"
import { offers } from "../pricing/offers.ts"
import { flatRateTable } from "./flat_rate_charges.ts"
import { networkInterfaces } from "./network_interfaces.ts"
import { runTable, type StoredRun } from "./runs.ts"
import { type TrackedInstance, trackedInstances } from "./tracked_instances.ts"
import { usageSums } from "./usage_sums.ts"

export type Ledger = ReturnType<typeof ledger>

export function ledger(db: Db) {
  const offerTable = offers(db)
  const runs = runTable(db, offerTable)
  const tracked = trackedInstances(db, offerTable)
  const flatRates = flatRateTable(db)
  const interfaces = networkInterfaces(db)
  const old = oldInstances(db)
  const oldOnes = oldRows(db)
  const sumsOfOld = oldSums(db, oldOnes)
  const sums = usageSums(db, { runs, flatRates })

  const addRun = (tariff: Tariff | null, run: Run): void => {
    sums.know(run.login)
    runs.add(run)
    if (run.end) addToSums(tariff, run)
  }

  const addToSums = (tariff: Tariff | null, run: Run): void => {
    if (tariff) sums.addRun(tariff, run)
    else sums.forget(run.login)
  }

  const changeEnd = (
    tariff: Tariff | null,
    run: StoredRun,
    end: Instant | null,
    endedByEc2: boolean | null,
  ): void => {
    runs.setEnd(run.runId, end, endedByEc2)
    if (run.end) sums.forget(run.login)
    else if (end) addToSums(tariff, { ...run, end, endedByEc2 })
  }

  const endRun = (instanceId: string, end: Instant, endedByEc2: boolean | null): void => {
    for (const run of runs.ofInstance(instanceId)) if (!run.end) changeEnd(null, run, end, endedByEc2)
  }

  return {
    runs,
    instances: tracked,
    flatRates,
    interfaces,
    old,
    sums,
    oldSums: sumsOfOld,
    /** A run, as yet open or closed at once; `tariff`, where it is at hand, keeps the sums fresh. */
    addRun,
    /** Null: it runs after all. */
    changeEnd,
    /** After a rollback: numbers given in it were taken back. */
    rolledBack: () => offerTable.forget(),

    /** What RunInstances answered: from its LaunchTime on each instance runs on its owner's account. */
    recordLaunch(launch: { login: string; reservationId: string; instances: readonly Instance[] }): void {
      for (const instance of launch.instances) {
        if (tracked.get(instance.id)) continue // settled before, by somebody else
        const known = trackedFrom(instance, launch)
        tracked.put(known)
        old.put({ ...known, startUtcMs: known.launchedAtUtcMs }, known.seenUtcMs)
        addRun(null, {
          ...known,
          start: exactly(known.launchedAtUtcMs, "observed"),
          publicIpv4: null,
          end: null,
          endedByEc2: null,
        })
      }
    },

    /** What is pending, runs or is stopped, as last known, of a login or, with null, of everybody. */
    openInstances: (login: string | null): TrackedInstance[] =>
      tracked.notEnded(login).filter((instance) => !hasEnded(instance)),

    /** When the first charge of all began; null where there is none. */
    firstStart(): UtcMs | null {
      const first = db
        .query<{ at: UtcMs | null }, []>(
          `SELECT min(at) AS at FROM (SELECT min(start_earliest_utc_ms) AS at FROM intervals
           UNION ALL SELECT min(start_earliest_utc_ms) FROM rentals) AS starts`,
        )
        .get()?.at
      const oldest = oldOnes.firstStart()
      return first == null || oldest === null ? (first ?? oldest) : earliestOf(first, oldest)
    },

    /**
     * After stamps of a clock that was ahead were found: what was said to be later than now was now at the latest. Returns whose sums
     * that changes. Inside the caller's transaction.
     */
    forgetFuture: (nowUtcMs: UtcMs): string[] => [
      ...new Set([...runs.forgetFuture(nowUtcMs), ...flatRates.forgetFuture(nowUtcMs)]),
    ],

    /** We stopped it: EC2 accepted that at `atUtcMs`, and said whether it was on until then. */
    recordStopped(instanceId: string, atUtcMs: UtcMs, wasOn = true): void {
      const instance = tracked.get(instanceId)
      if (!instance || hasEnded(instance)) return
      const sinceUtcMs = wasOn ? atUtcMs : instance.seenUtcMs
      endRun(instanceId, between(sinceUtcMs, atUtcMs, "observed"), false)
      old.setStops(instanceId, runs.ofInstance(instanceId), null)
      tracked.put({ ...instance, state: "stopping", seenUtcMs: latestOf(instance.seenUtcMs, atUtcMs) })
    },

    /** We started it again: EC2 accepted that at `atUtcMs`; only ours are, so nothing ran unseen in between. */
    recordStarted(instanceId: string, instanceType: string, atUtcMs: UtcMs): void {
      const instance = tracked.get(instanceId)
      if (!instance) return
      const last = runs.ofInstance(instanceId).at(-1)
      if (last && !last.end) {
        if (last.start.latestUtcMs > atUtcMs - msPerMinute) return // recorded before, by somebody else
        // What EC2 starts was off, though nobody had seen that.
        endRun(instanceId, between(earliestOf(last.seenUtcMs, atUtcMs), atUtcMs, "observed"), false)
      }
      const started: TrackedInstance = {
        ...instance,
        instanceType,
        state: "pending",
        launchedAtUtcMs: atUtcMs,
        seenUtcMs: latestOf(instance.seenUtcMs, atUtcMs),
      }
      tracked.put(started)
      addRun(null, {
        ...started,
        start: exactly(atUtcMs, "observed"),
        publicIpv4: null,
        end: null,
        endedByEc2: null,
      })
      old.setStops(instanceId, runs.ofInstance(instanceId), null)
    },

    /** We terminated it, or it is known to have ended between two instants. */
    recordEnded(
      instanceId: string,
      end: { earliestUtcMs: UtcMs; latestUtcMs: UtcMs; evidence: Evidence; byEc2?: boolean | null },
    ): void {
      const instance = tracked.get(instanceId)
      if (!instance || hasEnded(instance)) return
      const { byEc2 = false, ...instant } = end
      endRun(instanceId, instant, byEc2)
      const oldEnd = end.evidence === "vanished" ? end.earliestUtcMs : end.latestUtcMs
      old.setStops(instanceId, runs.ofInstance(instanceId), oldEnd)
      old.setEnd(instanceId, oldEnd)
      tracked.put({ ...instance, state: "shutting-down" })
    },

    /**
     * What a login or, with null, everybody who is somebody has spent since the UTC day of `sinceUtcMs` (null: ever), as far as
     * prices are known. Inside a transaction: it may have to compute sums anew.
     */
    spent(tariff: Tariff, login: string | null, sinceUtcMs: UtcMs | null, nowUtcMs: UtcMs): Bounds {
      sums.refresh(tariff, login)
      sumsOfOld.refresh(tariff, login)
      const fromDay = sinceUtcMs === null ? Number.MIN_SAFE_INTEGER : dayOf(sinceUtcMs)
      const range = sinceUtcMs === null ? always : { ...always, fromUtcMs: startOfDay(fromDay) }
      let spent = add(sums.since(login, fromDay), sumsOfOld.since(login, fromDay))
      const charge = (cost: Bounds | null) => {
        spent = add(spent, cost ?? nothing)
      }
      for (const run of runs.open(login)) {
        if (run.login === "") continue
        charge(costOfRun(tariff, run, nowUtcMs, range))
        charge(costOfAddress(tariff, run, nowUtcMs, range))
      }
      for (const run of oldOnes.running(login).flatMap(runsOfOld)) {
        if (run.login !== "") charge(costOfRun(tariff, run, nowUtcMs, range))
      }
      for (const flatRate of flatRates.open(login)) {
        if (flatRate.login !== "") charge(costOfFlatRate(flatRate, nowUtcMs, range))
      }
      return spent
    },
  }
}

/** What the ledger keeps of an instance as EC2 shows it. */
function trackedFrom(
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
