/** How old the last complete look at each region is, for every tool to say. */
import type { Config } from "../../base/config.ts"
import { type Clock, duration, isoUtc, msPerHour } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"

/** cron runs every few minutes; what is older than this has stopped. */
const oldMs = 2 * msPerHour

/** A line for people; null where all is well. Of several regions the one that was read last must be old, or one must fail for long. */
export function staleness({ snapshots }: UsageDb, { aws }: Pick<Config, "aws">, clock: Clock): string | null {
  const last = snapshots.last()
  if (!last) return null
  const ageMs = clock.now() - last.finishedUtcMs
  const failures = aws.regions.flatMap((region) => {
    const failure = snapshots.lastFailure(region)
    return failure ? [{ region, ...failure }] : []
  })
  if (ageMs >= oldMs) {
    const why = failures[0] ? `; since then: ${failures[0].error}` : ""
    return `the last snapshot is ${duration(ageMs)} old (${isoUtc(last.finishedUtcMs)}): does usage_cron run?${why}`
  }
  const silent = failures.filter(({ region }) => {
    const read = snapshots.latest(region)
    return read === null || clock.now() - read.finishedUtcMs >= oldMs
  })
  if (silent.length === 0) return null
  return `what is below leaves out ${silent.map(({ region }) => region).join(", ")}: ${silent.map(({ error }) => error).join("; ")}`
}
