/** What becomes of a reservation whose process is gone. */
import { msPerMinute } from "../base/time.ts"

/**
 * Until then nothing is concluded from an empty listing: the last request of a killed process may still be on its way. One call
 * takes at most a minute with its repetitions (lib/aws/retries.ts), and AWS takes some seconds to show what it made.
 */
const youngMs = 2 * msPerMinute

export type Settlement = "settle" | "release" | "wait"

/** `found`: whether AWS has what was reserved for; `listedAtUtcMs`: when it was asked. */
export function settlementOf(reservation: {
  found: boolean
  isAlive: boolean
  createdAtUtcMs: number
  listedAtUtcMs: number
}): Settlement {
  if (reservation.isAlive) return "wait"
  if (reservation.found) return "settle"
  return reservation.listedAtUtcMs - reservation.createdAtUtcMs >= youngMs ? "release" : "wait"
}

/** AWS shows what has ended for about an hour; what was made longer ago may have been and gone. */
export const forgottenAfterMs = 45 * msPerMinute
