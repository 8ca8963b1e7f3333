/**
 * How long an instance may run at all. `max_hours` counts from the launch, and a restart does not begin it anew: what has run is
 * used up, however often it was stopped in between; time that it was stopped is not.
 */
import { duration, isoUtc, later, msPerMinute, type UtcMs } from "../../base/time.ts"

export interface RunSoFar {
  launchedAtUtcMs: UtcMs
  /** The last start. */
  runStartedAtUtcMs: UtcMs
  /** Null while it runs. */
  stoppedAtUtcMs: UtcMs | null
  /** What it had run before the last start. */
  ranBeforeMs: number
}

/** How long it has run since its launch, by `nowUtcMs`. */
export function ranMs({ runStartedAtUtcMs, stoppedAtUtcMs, ranBeforeMs }: RunSoFar, nowUtcMs: UtcMs): number {
  return ranBeforeMs + Math.max(0, (stoppedAtUtcMs ?? nowUtcMs) - runStartedAtUtcMs)
}

/** The latest end that the lease of the present run may have. */
export function ceilingOf({ runStartedAtUtcMs, ranBeforeMs }: RunSoFar, maxMs: number): UtcMs {
  return later(runStartedAtUtcMs, maxMs - ranBeforeMs)
}

/** The lease that a restart gets, or why there is none. Null for `run`: its first lease of ours. */
export function leaseOfRestart(
  run: RunSoFar | null,
  { defaultMs, maxMs }: { defaultMs: number; maxMs: number },
  nowUtcMs: UtcMs,
): { leaseMs: number; note: string } | { refused: string } {
  const ran = run ? ranMs(run, nowUtcMs) : 0
  const leaseMs = Math.min(defaultMs, maxMs - ran)
  if (leaseMs >= Math.min(defaultMs, maxMs)) return { leaseMs, note: "" }
  const arithmetic = `${duration(ran)} run since its launch at ${isoUtc(run?.launchedAtUtcMs ?? nowUtcMs)}`
  if (leaseMs >= msPerMinute) {
    return { leaseMs, note: `${duration(leaseMs)} are left: ${arithmetic}, at most ${duration(maxMs)}` }
  }
  return {
    refused: `cannot be started again: ${arithmetic}, at most ${duration(maxMs)}; launch another (ec2-run) and --terminate this one`,
  }
}
