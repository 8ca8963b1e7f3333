/** How old the last complete snapshot is, for every tool to say. */
import { type Clock, duration, isoUtc, msPerHour } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"

/** cron runs every few minutes; what is older than this has stopped. */
const oldMs = 2 * msPerHour

/** A line for people; null where all is well. */
export function staleness({ snapshots }: UsageDb, clock: Clock): string | null {
  const last = snapshots.last()
  if (!last) return null
  const ageMs = clock.now() - last.finishedUtcMs
  if (ageMs < oldMs) return null
  const failure = snapshots.lastFailure()
  const why = failure ? `; since then: ${failure.error}` : ""
  return `the last snapshot is ${duration(ageMs)} old (${isoUtc(last.finishedUtcMs)}): does usage_cron run?${why}`
}
