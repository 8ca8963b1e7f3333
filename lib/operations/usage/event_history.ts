/** Asks CloudTrail about runs whose bounds are apart, once for each instance, and narrows them by what it says. */
import type { Aws } from "../../aws/interfaces.ts"
import { type Clock, isoUtc, msPerDay } from "../../base/time.ts"
import type { StoredInterval } from "../../db/intervals.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { withEvents } from "../../decisions/events.ts"
import { isExact } from "../../decisions/intervals.ts"

/** How far back CloudTrail's event history goes. */
const historyMs = 90 * msPerDay
/** At two requests a second a run of cron then takes a minute at most. */
const instancesAtOnce = 100

/** Returns how many instances were asked about. */
export async function askEventHistory({
  aws,
  usageDb,
  clock,
}: {
  aws: Aws
  usageDb: UsageDb
  clock: Clock
}): Promise<number> {
  const now = clock.now()
  const ids = usageDb.evidence.unasked(now - historyMs, instancesAtOnce)
  for (const instanceId of ids) {
    const runs = usageDb.ledger.intervals.ofInstance(instanceId)
    const [first] = runs
    if (!first) continue
    const trail = await aws.cloudTrail(first.region)
    const events = await trail.instanceEvents(instanceId, first.start.earliestUtcMs, now)
    usageDb.transaction(() => {
      const found = events.map(({ name, atUtcMs, user, eventId }) => ({
        ...{ instanceId, foundUtcMs: now, kind: "cloudtrail", atUtcMs },
        text: `${name} by ${user || "nobody named"} at ${isoUtc(atUtcMs)} (event ${eventId})`,
      }))
      const nothing = {
        instanceId,
        foundUtcMs: now,
        kind: "asked",
        atUtcMs: null,
        text: "CloudTrail has no event",
      }
      for (const row of found.length > 0 ? found : [nothing]) usageDb.evidence.add(row)
      for (const run of runs) if (isDoubtful(run)) narrow(usageDb, run, withEvents(run, events))
    })
  }
  return ids.length
}

function isDoubtful({ start, end }: StoredInterval): boolean {
  return end !== null && !(isExact(start) && isExact(end))
}

function narrow({ ledger }: UsageDb, run: StoredInterval, found: ReturnType<typeof withEvents>): void {
  if (found === null) return
  ledger.intervals.remove(run.intervalId)
  for (const better of found) ledger.addRun(null, { ...run, ...better })
  ledger.sums.forget(run.login)
}
