/** What the old tools' tables tell of an instance, as runs. They knew one region, and Linux. */

import type { Market } from "../../base/instance.ts"
import { earliestOf, latestOf, type UtcMs, utcMsOf } from "../../base/time.ts"
import { between, exactly, type Run } from "./runs.ts"

/** A row of `instances`, with its rows of `instance_stopped`. */
export interface OldRow {
  instanceId: string
  instanceType: string
  market: Market
  login: string
  startUtcMs: UtcMs
  endUtcMs: UtcMs | null
  seenUtcMs: UtcMs | null
  stops: readonly OldStop[]
}

export interface OldStop {
  stoppedUtcMs: UtcMs
  /** Null: nobody noted that it ran again, which need not mean that it did not. */
  runningUtcMs: UtcMs | null
}

/** Its runs between the stops whose ends are known, oldest first; one at least. */
export function runsOfOld(row: OldRow): Run[] {
  const { startUtcMs, endUtcMs, stops } = row
  const untilUtcMs = endUtcMs ?? utcMsOf(Number.POSITIVE_INFINITY)
  const runs: Run[] = []
  let onUtcMs = startUtcMs
  for (const { stoppedUtcMs, runningUtcMs } of [...stops].sort((a, b) => a.stoppedUtcMs - b.stoppedUtcMs)) {
    if (runningUtcMs === null || stoppedUtcMs >= untilUtcMs) continue
    if (runningUtcMs <= Math.max(onUtcMs, stoppedUtcMs)) continue
    if (stoppedUtcMs > onUtcMs) runs.push(runOf(row, onUtcMs, stoppedUtcMs))
    onUtcMs = earliestOf(latestOf(onUtcMs, runningUtcMs), untilUtcMs)
  }
  if (onUtcMs < untilUtcMs || runs.length === 0) runs.push(runOf(row, onUtcMs, endUtcMs))
  return runs
}

/** Of a stop without an end it may have run on, or not. */
function runOf(row: OldRow, fromUtcMs: UtcMs, toUtcMs: UtcMs | null): Run {
  const { instanceId, instanceType, market, login, startUtcMs, stops } = row
  const offUtcMs = stops
    .filter(({ runningUtcMs }) => runningUtcMs === null)
    .map(({ stoppedUtcMs }) => stoppedUtcMs)
    .filter((utcMs) => (utcMs >= fromUtcMs || fromUtcMs === startUtcMs) && utcMs < (toUtcMs ?? utcMs + 1))
  const stoppedUtcMs = offUtcMs.length > 0 ? earliestOf(...offUtcMs) : null
  return {
    instanceId,
    login,
    instanceType,
    market,
    region: "us-east-1",
    zone: "",
    usageOperation: "RunInstances",
    publicIpv4: false,
    start: exactly(fromUtcMs, "observed"),
    end: toUtcMs === null ? null : between(stoppedUtcMs ?? toUtcMs, toUtcMs, "observed"),
    seenUtcMs: stoppedUtcMs ?? row.seenUtcMs ?? fromUtcMs,
    endedByEc2: false,
    isOld: true,
  }
}
