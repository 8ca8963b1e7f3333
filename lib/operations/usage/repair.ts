/**
 * Rows of the old tools that run for ever: their instances vanished before the old cron saw them `terminated`. A complete
 * listing that lacks them proves that they ended; the old table tells between which looks.
 */

import type { Config } from "../../base/config.ts"
import { type Clock, isoUtc, later, latestOf, msPerMinute, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { linuxOperation } from "../../decisions/pricing/embedded_prices.ts"
import { type OldRow, runsOfOld } from "../../decisions/usage/old_runs.ts"
import { between, exactly, type Instant } from "../../decisions/usage/runs.ts"

export interface Repair {
  instanceId: string
  login: string
  /** Null: nobody wrote down when it started, so that no price can be put on it. */
  row: OldRow | null
  end: Instant
  /** For the plan, and for `usage_report --explain`. */
  because: string
}

/** What would be closed, after a complete snapshot: what it saw is in the ledger, and not in the plan. */
export function planRepairs({ usageDb, clock }: { usageDb: UsageDb; clock: Clock }): Repair[] {
  const { oldRows } = usageDb
  const now = clock.now()
  const looks = oldRows.looks()
  const dated = oldRows.running(null).map((row): Repair => {
    const seenUtcMs = latestOf(row.seenUtcMs ?? row.startUtcMs, row.startUtcMs)
    const { missingUtcMs, because } = missingAfter(seenUtcMs)
    const end = between(lastSeenOn(row), missingUtcMs, "vanished")
    return { instanceId: row.instanceId, login: row.login, row, end, because }
  })
  const undated = oldRows.runningWithoutStart().map(({ instanceId, login, seenUtcMs }): Repair => {
    const why = seenUtcMs === null ? "never seen by date" : missingAfter(seenUtcMs).because
    const end = exactly(seenUtcMs ?? now, "vanished")
    return { instanceId, login, row: null, end, because: `no start recorded, ${why}` }
  })
  return [...dated, ...undated]

  function missingAfter(seenUtcMs: UtcMs): { missingUtcMs: UtcMs; because: string } {
    const nextLook = looks[countUntil(looks, later(seenUtcMs, longestLookMs))]
    const missingUtcMs = nextLook ?? now
    const how =
      nextLook === undefined ? "missing from the listing of" : "missing when the old cron looked next, at"
    return { missingUtcMs, because: `last seen ${isoUtc(seenUtcMs)}, ${how} ${isoUtc(missingUtcMs)}` }
  }
}

/** Where it was last seen, or first seen stopped after it had last run again. */
function lastSeenOn(row: OldRow): UtcMs {
  const last = runsOfOld(row).at(-1)
  return latestOf(last?.seenUtcMs ?? row.startUtcMs, last?.start.latestUtcMs ?? row.startUtcMs)
}

/** One look of the old cron wrote its rows one after the other, each with its own time: what is that near may be the same look. */
const longestLookMs = msPerMinute

/** How many of these ascending times are not after `utcMs`. */
function countUntil(ascending: readonly UtcMs[], utcMs: UtcMs): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? utcMs) <= utcMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Closes what is planned, in one transaction. */
export function repair(
  { usageDb, config, clock }: { usageDb: UsageDb; config: Config; clock: Clock },
  plan: readonly Repair[],
): void {
  const { ledger, evidence } = usageDb
  const now = clock.now()
  usageDb.transaction(() => {
    for (const { instanceId, row, end, because } of plan) {
      if (row) addEnded(row, end)
      ledger.old.setEnd(instanceId, end.earliestUtcMs)
      evidence.add({ instanceId, foundUtcMs: now, kind: "repair", atUtcMs: end.earliestUtcMs, text: because })
    }
  })

  function addEnded(row: OldRow, end: Instant) {
    const { instanceId, instanceType, market, login, startUtcMs, seenUtcMs } = row
    const offer = {
      instanceType,
      market,
      region: config.aws.region,
      zone: "",
      usageOperation: linuxOperation,
    }
    ledger.instances.put({
      instanceId,
      login,
      ...offer,
      state: "terminated",
      keyName: "",
      reservationId: "",
      publicIpv4: false,
      launchedAtUtcMs: startUtcMs,
      seenUtcMs: seenUtcMs ?? startUtcMs,
    })
    const runs = runsOfOld(row)
    for (const [index, { isOld: _, ...run }] of runs.entries()) {
      const isLast = index === runs.length - 1
      const endedByEc2 = isLast && market === "spot" ? null : false
      ledger.addRun(null, { ...run, ...offer, end: isLast ? end : run.end, endedByEc2 })
    }
  }
}
