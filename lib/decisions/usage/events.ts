/** What an instance's event history says about a run whose bounds are apart. */
import { earliestOf, msPerMinute, msPerSecond, type UtcMs } from "../../base/time.ts"
import { between, exactly, type Instant, type Run } from "./runs.ts"

export interface InstanceEvent {
  name: string
  atUtcMs: UtcMs
  /** Whether the instance was on before it, as the call's answer says; null where the event does not tell. */
  wasOn: boolean | null
  /** A stop that writes the memory to disk first, which is billed. */
  hibernates: boolean
}

type RunBounds = Pick<Run, "start" | "end" | "endedByEc2">

const starts = new Set(["RunInstances", "StartInstances"])
const ends = new Set(["StopInstances", "TerminateInstances", "BidEvictedEvent"])
/** An event this near to a gap's end is the start of the run that ended the gap. */
const nextStartMs = msPerMinute
/** Events, reasons and LaunchTime are dated to the second, each in its own place. */
const apartMs = 2 * msPerSecond
const evicted = "BidEvictedEvent"

/** A call whose answer was lost is repeated within the second to which events are dated: the one that found it on came first. */
function precedence({ name, wasOn }: InstanceEvent): number {
  return ends.has(name) && wasOn === true ? 1 : 0
}

function endedBy(end: Instant, utcMs: UtcMs): Instant {
  if (end.latestUtcMs <= utcMs) return end
  return between(earliestOf(end.earliestUtcMs, utcMs), utcMs, "cloudtrail")
}

/** Where nothing is known but that it may have run in between. */
export function isGap({ start, end }: RunBounds): boolean {
  return start.earliestUtcMs === end?.earliestUtcMs && start.latestUtcMs === end.latestUtcMs
}

/**
 * The runs that there really were; null where the events say nothing about it. A start always leaves an event, so that no
 * start in a gap means no run in it. A shutdown inside the instance leaves none, and stopping what is off succeeds too: an end is
 * exact, and somebody's and not EC2's, only where the answer said that the instance was on.
 */
export function withEvents(run: RunBounds, events: readonly InstanceEvent[]): RunBounds[] | null {
  const { start, end } = run
  // What its events left open, of which type it was, they leave open again; and its own start is near its end.
  if (!end || (isGap(run) && start.evidence === "cloudtrail")) return null
  const inWindow = events
    .filter(({ atUtcMs }) => atUtcMs >= start.earliestUtcMs - apartMs && atUtcMs <= end.latestUtcMs + apartMs)
    .sort((one, other) => one.atUtcMs - other.atUtcMs || precedence(other) - precedence(one))
  const runs: RunBounds[] = []
  let isNew = isGap(run)
  let on: (RunBounds & { end: NonNullable<RunBounds["end"]> }) | null = isNew ? null : { ...run, end }
  for (const { name, atUtcMs, wasOn, hibernates } of inWindow) {
    const isOwnStart =
      on !== null && (atUtcMs < on.end.earliestUtcMs || atUtcMs <= on.start.latestUtcMs + apartMs)
    if (starts.has(name)) {
      if (wasOn === true || isOwnStart || atUtcMs > end.latestUtcMs - nextStartMs) continue
      if (on) runs.push(on)
      // Whatever ran before was off by then.
      const before = runs.pop()
      if (before?.end) runs.push({ ...before, end: endedBy(before.end, atUtcMs) })
      const began = exactly(atUtcMs, "cloudtrail")
      on = { start: began, end: between(atUtcMs, end.latestUtcMs, "vanished"), endedByEc2: null }
      isNew = true
    } else if (ends.has(name) && on && atUtcMs >= on.end.earliestUtcMs) {
      const latestUtcMs = earliestOf(atUtcMs, on.end.latestUtcMs)
      const earliestUtcMs = wasOn === true || name === evicted ? latestUtcMs : on.end.earliestUtcMs
      const mayLast = hibernates && wasOn !== false
      const off = between(earliestUtcMs, mayLast ? on.end.latestUtcMs : latestUtcMs, "cloudtrail")
      runs.push({ ...on, end: off, endedByEc2: name === evicted || (wasOn === true ? false : on.endedByEc2) })
      on = null
      isNew = true
    }
  }
  if (on) runs.push(on)
  return isNew ? runs : null
}
