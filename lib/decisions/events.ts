/** What an instance's event history says about a run whose bounds are apart. */
import { msPerMinute } from "../base/time.ts"
import { between, exactly, type Interval } from "./intervals.ts"

export interface InstanceEvent {
  name: string
  atUtcMs: number
}

type Run = Pick<Interval, "start" | "end" | "endedByEc2">

const starts = new Set(["RunInstances", "StartInstances"])
const ends = new Set(["StopInstances", "TerminateInstances", "BidEvictedEvent"])
/** An event this near to a gap's end is the start of the run that ended the gap. */
const nextStartMs = msPerMinute
const evicted = "BidEvictedEvent"

/**
 * The runs that there really were; null where the events say nothing about it. A start always leaves an event, so that no
 * start in a gap means no run in it; a shutdown inside the instance leaves none, so that a missing end stays open to doubt.
 */
export function withEvents(run: Run, events: readonly InstanceEvent[]): Run[] | null {
  const { start, end } = run
  if (!end) return null
  const inWindow = events
    .filter(({ atUtcMs }) => atUtcMs >= start.earliestUtcMs && atUtcMs <= end.latestUtcMs)
    .sort((one, other) => one.atUtcMs - other.atUtcMs)
  const isDoubtful = start.earliestUtcMs === end.earliestUtcMs && start.latestUtcMs === end.latestUtcMs
  if (isDoubtful) return startedIn(inWindow, end.latestUtcMs)
  const off = inWindow.find(({ name, atUtcMs }) => ends.has(name) && atUtcMs >= end.earliestUtcMs)
  if (!off) return null
  const first = { start, end: exactly(off.atUtcMs, "cloudtrail"), endedByEc2: off.name === evicted }
  const later = inWindow.filter(({ atUtcMs }) => atUtcMs > off.atUtcMs)
  return [first, ...startedIn(later, end.latestUtcMs)]
}

function startedIn(events: readonly InstanceEvent[], untilUtcMs: number): Run[] {
  const runs: Run[] = []
  for (const [index, { name, atUtcMs }] of events.entries()) {
    if (!starts.has(name) || atUtcMs > untilUtcMs - nextStartMs) continue
    const off = events.slice(index + 1).find((later) => ends.has(later.name))
    runs.push({
      start: exactly(atUtcMs, "cloudtrail"),
      end: off ? exactly(off.atUtcMs, "cloudtrail") : between(atUtcMs, untilUtcMs, "vanished"),
      endedByEc2: off?.name === evicted,
    })
  }
  return runs
}
