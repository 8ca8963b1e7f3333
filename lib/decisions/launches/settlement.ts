/** What becomes of a reservation whose process is gone. */
import { msPerMinute, type UtcMs } from "../../base/time.ts"

/**
 * Until then nothing is concluded from an empty listing: the last request of a killed process may still be on its way. One call
 * takes at most a minute with its repetitions (lib/aws/protocol/retries.ts), and AWS takes some seconds to show what it made.
 */
const youngMs = 2 * msPerMinute

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
  createdAtUtcMs: UtcMs
  sentAtUtcMs: UtcMs | null
  listedAtUtcMs: UtcMs
}): Settlement {
  const { found, count, isAlive, listedAtUtcMs } = reservation
  const ageMs = listedAtUtcMs - askedAtUtcMs(reservation)
  if (isAlive) return "wait"
  if (found === 0) return ageMs >= youngMs ? "release" : "wait"
  return found >= count || ageMs >= visibleAfterMs ? "settle" : "wait"
}

/** A process may be held up for long between its admission and its request. */
function askedAtUtcMs(reservation: { createdAtUtcMs: UtcMs; sentAtUtcMs: UtcMs | null }): UtcMs {
  return reservation.sentAtUtcMs ?? reservation.createdAtUtcMs
}

/** AWS shows what has ended for about an hour; what was made longer ago may have been and gone. */
export const forgottenAfterMs = 45 * msPerMinute
