/** What becomes of a reservation whose process is gone. */
import { msPerMinute, msPerSecond, type UtcMs } from "../../base/time.ts"

/**
 * Until then nothing is concluded from an empty listing: the last request of a killed process may still be on its way. One call
 * takes at most a minute with its repetitions (lib/aws/protocol/retries.ts), and AWS takes some seconds to show what it made.
 */
const youngMs = 2 * msPerMinute

/** After it was marked as sent, a run begins no attempt at its request later than this. */
export const sendWithinMs = 45 * msPerSecond

/**
 * A run on another host whose lock is gone may have been cut off or paused, and may still send what it signed. AWS refuses a
 * signature that is older than 15 minutes (docs.aws.amazon.com/IAM: reference_sigv-troubleshooting); the rest is for clocks that differ.
 */
const uncertainMs = sendWithinMs + 17 * msPerMinute

/** What AWS made longer ago than this, it lists. */
export const visibleAfterMs = 10 * msPerMinute

export type Settlement = "settle" | "release" | "wait"

/**
 * `found`: how many AWS has of the `count` that were reserved for; `listedAtUtcMs`: when it was asked. A launch is of all or of
 * none: where some are listed the rest are on their way into the listing, and are waited for.
 */
export function settlementOf(reservation: {
  found: number
  count: number
  isAlive: boolean
  /** False where nobody can see whether its process is gone. */
  isCertain: boolean
  createdAtUtcMs: UtcMs
  sentAtUtcMs: UtcMs | null
  listedAtUtcMs: UtcMs
}): Settlement {
  const { found, count, isAlive, isCertain, sentAtUtcMs, listedAtUtcMs } = reservation
  const ageMs = listedAtUtcMs - askedAtUtcMs(reservation)
  if (isAlive) return "wait"
  // What was never marked as sent cannot be any more once it is given back.
  const waitMs = isCertain || sentAtUtcMs === null ? youngMs : uncertainMs
  if (found === 0) return ageMs >= waitMs ? "release" : "wait"
  return found >= count || ageMs >= visibleAfterMs ? "settle" : "wait"
}

/** A process may be held up for long between its admission and its request. */
function askedAtUtcMs(reservation: { createdAtUtcMs: UtcMs; sentAtUtcMs: UtcMs | null }): UtcMs {
  return reservation.sentAtUtcMs ?? reservation.createdAtUtcMs
}

/** AWS shows what has ended for about an hour; what was made longer ago may have been and gone. */
export const forgottenAfterMs = 45 * msPerMinute
