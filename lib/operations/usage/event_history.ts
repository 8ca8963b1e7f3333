/** Asks CloudTrail about runs whose bounds are apart, once they are old enough to be in it, and narrows them by what it says. */

import type { Aws } from "../../aws/interfaces.ts"
import { plural } from "../../base/text.ts"
import {
  type Clock,
  earliestOf,
  isoUtc,
  later,
  latestOf,
  msPerDay,
  msPerMinute,
  type UtcMs,
  utcMsOf,
} from "../../base/time.ts"
import type { StoredRun } from "../../db/usage/runs.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { type InstanceEvent, isGap, withEvents } from "../../decisions/usage/events.ts"
import { between, isExact } from "../../decisions/usage/runs.ts"
import { awsNow } from "./aws_time.ts"

/** How far back CloudTrail's event history goes. */
const historyMs = 90 * msPerDay
/** Events are in it within about five minutes, says AWS, "on average"; by then nothing is concluded from one that is not there. */
const lagMs = 20 * msPerMinute
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
  const now = awsNow({ aws, clock })
  const ids = usageDb.evidence.unasked(later(now, -historyMs), later(now, -lagMs), lagMs, instancesAtOnce)
  for (const instanceId of ids) {
    const runs = usageDb.ledger.runs.ofInstance(instanceId)
    const [first] = runs
    if (!first) continue
    const trail = await aws.cloudTrail(first.region)
    const sinceUtcMs = latestOf(first.start.earliestUtcMs, later(now, -historyMs))
    const events = await trail.instanceEvents(instanceId, sinceUtcMs, now)
    usageDb.transaction(() => {
      const found = events.map(({ name, atUtcMs, user, eventId }) => ({
        instanceId,
        foundUtcMs: now,
        kind: "cloudtrail",
        atUtcMs,
        text: `${name} by ${user || "nobody named"} at ${isoUtc(atUtcMs)} (event ${eventId})`,
      }))
      const text = `CloudTrail was asked, and had ${plural(found.length, "event")}`
      for (const row of found) usageDb.evidence.add(row)
      usageDb.evidence.add({ instanceId, foundUtcMs: now, kind: "asked", atUtcMs: null, text })
      const isCovered = ({ start, end }: StoredRun) =>
        end !== null && start.earliestUtcMs >= now - historyMs && end.latestUtcMs <= now - lagMs
      for (const run of runs) {
        if (!isDoubtful(run) || !isCovered(run)) continue
        const better = withEvents(run, events)
        if (!better) continue
        const isAnothers = ({ start }: FoundRun) =>
          (isGap(run) || start.earliestUtcMs !== run.start.earliestUtcMs) && isAmbiguous(run, runs)
        replace(
          usageDb,
          run,
          better.map((part) => (isAnothers(part) ? asGap(part) : part)),
        )
        endVolumes(usageDb, run, events)
      }
    })
  }
  return ids.length
}

function isDoubtful({ start, end }: StoredRun): boolean {
  return end !== null && !(isExact(start) && isExact(end))
}

type FoundRun = NonNullable<ReturnType<typeof withEvents>>[number]

/** Whether a start in this run's doubtful time may be another's, of another type: events do not tell types. */
function isAmbiguous(run: StoredRun, runs: readonly StoredRun[]): boolean {
  const [from, to] = doubtOf(run)
  return runs.some((other) => {
    const [otherFrom, otherTo] = doubtOf(other)
    return other.runId !== run.runId && isDoubtful(other) && otherFrom < to && from < otherTo
  })
}

function doubtOf({ end }: StoredRun): [fromUtcMs: UtcMs, toUtcMs: UtcMs] {
  return [end?.earliestUtcMs ?? utcMsOf(0), end?.latestUtcMs ?? utcMsOf(0)]
}

/** What ran, or did not, while this run lasted. */
function asGap(run: FoundRun): FoundRun {
  const { start, end } = run
  if (!end) return run
  const gap = between(start.earliestUtcMs, end.latestUtcMs, "cloudtrail")
  return { ...run, start: gap, end: gap }
}

/** Volumes that were said to have ended with this run, at an uncertain time, ended with the call that terminated their instance. */
function endVolumes({ ledger }: UsageDb, run: StoredRun, events: readonly InstanceEvent[]): void {
  const [fromUtcMs, toUtcMs] = doubtOf(run)
  const calls = events
    .filter(
      ({ name, atUtcMs }) => name === "TerminateInstances" && atUtcMs >= fromUtcMs && atUtcMs <= toUtcMs,
    )
    .map(({ atUtcMs }) => atUtcMs)
  if (calls.length > 0) ledger.flatRates.endedWithInstance(run, [fromUtcMs, toUtcMs], earliestOf(...calls))
}

function replace({ ledger }: UsageDb, run: StoredRun, parts: readonly FoundRun[]): void {
  ledger.runs.remove(run.runId)
  for (const better of parts) ledger.addRun(null, { ...run, ...better })
  ledger.sums.forget(run.login)
}
