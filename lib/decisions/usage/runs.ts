/** When an instance ran, as well as it is known. */

import type { Market } from "../../base/instance.ts"
import { earliestOf, latestOf, type UtcMs } from "../../base/time.ts"

/**
 * How an instant is known: `observed` at EC2 (LaunchTime, our own call, between two observations), `reason` (the time inside
 * StateTransitionReason), `cloudtrail`, `vanished` (between last seen and first missing).
 */
export type Evidence = "observed" | "reason" | "cloudtrail" | "vanished"

/** An instant between two bounds, both included; exact where they are equal. */
export interface Instant {
  earliestUtcMs: UtcMs
  latestUtcMs: UtcMs
  evidence: Evidence
}

/** One run of an instance: from a start to the stop or termination that ended it. */
export interface Run {
  instanceId: string
  /** "" for nobody's. */
  login: string
  instanceType: string
  market: Market
  region: string
  zone: string
  usageOperation: string
  /** Whether it had a public IPv4 address of its own, not an elastic one; null where it was never seen running. */
  publicIpv4: boolean | null
  start: Instant
  /** Null while it runs, as far as is known. */
  end: Instant | null
  /** For an open run: when it was last known to run. */
  seenUtcMs: UtcMs
  /** Spot that EC2 took back; null where that is not known. */
  endedByEc2: boolean | null
  /** Only the old tools recorded it. */
  isOld?: true
}

export function exactly(utcMs: UtcMs, evidence: Evidence): Instant {
  return { earliestUtcMs: utcMs, latestUtcMs: utcMs, evidence }
}

/** Between two instants, which may come in any order: clocks jump. */
export function between(oneUtcMs: UtcMs, otherUtcMs: UtcMs, evidence: Evidence): Instant {
  return {
    earliestUtcMs: earliestOf(oneUtcMs, otherUtcMs),
    latestUtcMs: latestOf(oneUtcMs, otherUtcMs),
    evidence,
  }
}

export function isExact({ earliestUtcMs, latestUtcMs }: Instant): boolean {
  return earliestUtcMs === latestUtcMs
}
