/**
 * What a complete listing says about an instance, given what was known of it. Facts of EC2 that this rests on: LaunchTime is the
 * last start, to the second; StateTransitionReason tells the last transition, if at all; only what stopped can change its
 * type; a terminated instance shows for about an hour. So a listing can prove less than it seems to: what was stopped may have
 * run and stopped again unseen. Such a gap becomes a run that lasted from no time to all of it. And the date of a termination is
 * the latest that what was last seen running can have run: it may have been stopped before, unseen.
 *
 * What no listing can bound: a run that nobody saw, of a type that nobody saw. It counts as of the types seen before and after.
 */
import type { Instance, InstanceState } from "../../base/instance.ts"
import { msPerMinute } from "../../base/time.ts"
import { between, exactly, type Instant, type Interval, isExact } from "./intervals.ts"
import { byEc2, isHibernation, isOn, isTerminating, reasonDate } from "./transitions.ts"

/** When a listing was taken: anything in it was so at one moment between the two. */
export interface Sighting {
  fromUtcMs: number
  toUtcMs: number
  /** When the last complete listing of the region before this one began; null for the first. */
  previousUtcMs: number | null
}

/** What was known of an instance. */
export interface Known {
  state: InstanceState
  instanceType: string
  launchedAtUtcMs: number
  seenUtcMs: number
  /** Launched through us: then nobody but us can start it again, and we would know. */
  isOurs: boolean
  /** When it was terminated, where that is known; later than its last run where it was stopped before. */
  endedUtcMs: number | null
  /** Its latest run, if it is known to have run at all. */
  lastRun: Pick<Interval, "start" | "end" | "endedByEc2"> | null
}

export interface NewRun {
  instanceType: string
  start: Instant
  end: Instant | null
  endedByEc2: boolean | null
}

/** What has become known. */
export interface News {
  state: InstanceState
  /** Of the last run that was known; absent where nothing new is known, an end of null where it runs after all. */
  lastRun?: { start?: Instant; end?: Instant | null; endedByEc2?: boolean | null }
  /** Runs not known before, oldest first. */
  runs: NewRun[]
  /** When it was terminated, where it is. */
  endedUtcMs: number | null
}

/** EC2's clock and ours may differ by this much, and a listing may lag as much behind a call. */
const toleranceMs = 5 * msPerMinute
/** LaunchTime and the Date of an answer are to the second. */
const clockErrorMs = 2000
/** Nothing stops, and then starts again or is terminated, within this time. */
const quickestRestartMs = msPerMinute

/** What the sight of an instance says. */
export function seen(known: Known | null, instance: Instance, sighting: Sighting): News {
  const news = known ? seenAgain(known, instance, sighting) : seenFirst(instance, sighting)
  return { ...news, endedUtcMs: isTerminating(instance.state) ? endOf(instance, known, sighting) : null }
}

/** What its absence from a complete listing says; null: nothing yet. */
export function missing(known: Known, isSpot: boolean, sighting: Sighting): News | null {
  const { fromUtcMs, toUtcMs } = sighting
  const mayNotShowYet = known.launchedAtUtcMs > fromUtcMs - toleranceMs && !hasShown(known, sighting)
  if (mayNotShowYet || known.seenUtcMs >= fromUtcMs) return null
  const wasOn = known.lastRun !== null && known.lastRun.end === null
  const news: News = { state: "terminated", runs: [], endedUtcMs: wasOn ? known.seenUtcMs : toUtcMs }
  if (wasOn) {
    const end = between(known.seenUtcMs, toUtcMs, "vanished")
    return { ...news, lastRun: { end, endedByEc2: isSpot ? null : false } }
  }
  return { ...news, runs: unseenRuns(known, [known.instanceType], toUtcMs) }
}

/** Whether EC2 has told of it since its launch's reply, which alone may be ahead of the listings. */
function hasShown({ isOurs, launchedAtUtcMs, seenUtcMs }: Known, { previousUtcMs }: Sighting): boolean {
  if (!isOurs) return true
  return (
    previousUtcMs !== null && launchedAtUtcMs + clockErrorMs <= previousUtcMs && seenUtcMs >= previousUtcMs
  )
}

function seenFirst(instance: Instance, sighting: Sighting): News {
  const { type: instanceType, launchedAtUtcMs, firstAttachedUtcMs: first } = instance
  const runs: NewRun[] = []
  if (first !== null && first < launchedAtUtcMs - quickestRestartMs) {
    const end = between(first, launchedAtUtcMs, "observed")
    runs.push({ instanceType, start: exactly(first, "observed"), end, endedByEc2: false })
  } else if (first === null && !isOn(instance) && instance.market === "on-demand") {
    const { previousUtcMs } = sighting
    // A listing may have lagged behind the first launch.
    if (previousUtcMs !== null && launchedAtUtcMs - previousUtcMs >= quickestRestartMs)
      runs.push(...possibleRuns([instanceType], previousUtcMs - toleranceMs, launchedAtUtcMs))
  }
  runs.push(runSince(instance, sighting))
  return { state: instance.state, runs, endedUtcMs: null }
}

function seenAgain(known: Known, instance: Instance, sighting: Sighting): News {
  const { state, launchedAtUtcMs } = instance
  const news: News = { state, runs: [], endedUtcMs: null }
  const wasOn = known.lastRun !== null && known.lastRun.end === null
  if (launchedAtUtcMs > known.launchedAtUtcMs + quickestRestartMs) {
    const types = [...new Set([known.instanceType, instance.type])]
    const [, ...otherTypes] = types
    return {
      ...news,
      ...(wasOn && {
        lastRun: { end: between(known.seenUtcMs, launchedAtUtcMs, "observed"), endedByEc2: false },
      }),
      runs: [...unseenRuns(known, wasOn ? otherTypes : types, launchedAtUtcMs), runSince(instance, sighting)],
    }
  }
  if (wasOn)
    return isOn(instance)
      ? seenRunningOn(known, instance, sighting, news)
      : seenEnd(known, instance, sighting, news)
  return isOn(instance) ? seenStarted(known, instance, sighting, news) : seenStillOff(known, instance, news)
}

/** It ran, and runs. Our own call's time gives way to EC2's LaunchTime. */
function seenRunningOn(known: Known, instance: Instance, { toUtcMs }: Sighting, news: News): News {
  if (instance.type !== known.instanceType) {
    // An emulator that keeps LaunchTime over a restart.
    const gap = between(known.seenUtcMs, toUtcMs, "observed")
    return {
      ...news,
      lastRun: { end: gap, endedByEc2: false },
      runs: [{ instanceType: instance.type, start: gap, end: null, endedByEc2: null }],
    }
  }
  const start = betterStart(known, instance)
  return start ? { ...news, lastRun: { start } } : news
}

/** EC2's LaunchTime where we have only our own call's. */
function betterStart(known: Known, { launchedAtUtcMs }: Instance): Instant | null {
  const isOwnCall = known.lastRun?.start.earliestUtcMs === known.launchedAtUtcMs
  return isOwnCall && launchedAtUtcMs !== known.launchedAtUtcMs ? exactly(launchedAtUtcMs, "observed") : null
}

/** The same of a run that is over; an emulator may keep LaunchTime over a restart. */
function startOfEnded(known: Known, instance: Instance): { start?: Instant } {
  const start = betterStart(known, instance)
  const isNear = Math.abs(instance.launchedAtUtcMs - known.launchedAtUtcMs) <= toleranceMs
  return start && isNear ? { start } : {}
}

/** It ran, and does not any more. */
function seenEnd(known: Known, instance: Instance, { toUtcMs }: Sighting, news: News): News {
  return {
    ...news,
    lastRun: {
      ...startOfEnded(known, instance),
      end: endOfRun(instance, known.seenUtcMs, toUtcMs),
      endedByEc2: byEc2(instance),
    },
  }
}

/** It did not run, and does, though its LaunchTime is no later: our own call has not come through, or an emulator's restart. */
function seenStarted(known: Known, instance: Instance, { fromUtcMs, toUtcMs }: Sighting, news: News): News {
  if (known.state === "stopped") {
    const start = between(known.seenUtcMs, toUtcMs, "observed")
    return { ...news, runs: [{ instanceType: instance.type, start, end: null, endedByEc2: null }] }
  }
  const toldUtcMs = known.lastRun?.end?.latestUtcMs ?? known.seenUtcMs
  const mayLag = known.state !== "terminated" && fromUtcMs - toldUtcMs < toleranceMs
  return mayLag ? { ...news, state: known.state } : { ...news, lastRun: { end: null, endedByEc2: null } }
}

/** It did not run, and does not; but EC2 may now tell when that began. */
function seenStillOff(known: Known, instance: Instance, news: News): News {
  const { end, endedByEc2 = null } = known.lastRun ?? {}
  if (!end) return news
  const start = startOfEnded(known, instance)
  const asKnown = start.start ? { ...news, lastRun: { ...start, end, endedByEc2 } } : news
  const date = reasonDate(instance)
  const isSameEnd = isTerminating(known.state) === isTerminating(instance.state)
  if (date === null || known.state === "stopped" || !isSameEnd || end.evidence === "reason") return asKnown
  if (date < end.earliestUtcMs - toleranceMs || date > end.latestUtcMs + toleranceMs) return asKnown
  const isDate = isExact(end) || !mayHideStop(instance, end.earliestUtcMs, date)
  const told = isDate ? exactly(date, "reason") : between(Math.min(end.earliestUtcMs, date), date, "reason")
  return { ...news, lastRun: { ...start, end: told, endedByEc2: byEc2(instance) } }
}

/** The run that began at LaunchTime, up to what is known of its end. */
function runSince(instance: Instance, { toUtcMs }: Sighting): NewRun {
  const { type: instanceType, launchedAtUtcMs } = instance
  const start = exactly(launchedAtUtcMs, "observed")
  if (isOn(instance)) return { instanceType, start, end: null, endedByEc2: null }
  return {
    instanceType,
    start,
    end: endOfRun(instance, launchedAtUtcMs, toUtcMs),
    endedByEc2: byEc2(instance),
  }
}

/** When a run ended that was on at `onUtcMs` and is off at `offUtcMs`. */
function endOfRun(instance: Instance, onUtcMs: number, offUtcMs: number): Instant {
  const date = reasonDate(instance)
  if (date === null || date < instance.launchedAtUtcMs) return between(onUtcMs, offUtcMs, "observed")
  // Seen on after EC2 says that it was off: our clock was wrong, then or now.
  if (date < onUtcMs - toleranceMs) return between(date, Math.max(onUtcMs, offUtcMs), "observed")
  // Billed while it writes its memory to disk, which ends unseen.
  if (isHibernation(instance)) return between(Math.max(date, onUtcMs), offUtcMs, "observed")
  return mayHideStop(instance, onUtcMs, date)
    ? between(Math.min(onUtcMs, date), date, "reason")
    : exactly(date, "reason")
}

/** Whether it may have been stopped, unseen, before its reason's date. Spot that is bought once cannot be stopped. */
function mayHideStop({ state, market }: Instance, onUtcMs: number, dateUtcMs: number): boolean {
  return isTerminating(state) && market === "on-demand" && dateUtcMs - onUtcMs >= quickestRestartMs
}

/** What may have run between its last sight, when it was off, and `untilUtcMs`. */
function unseenRuns(known: Known, instanceTypes: string[], untilUtcMs: number): NewRun[] {
  return known.isOurs || isTerminating(known.state)
    ? []
    : possibleRuns(instanceTypes, known.seenUtcMs, untilUtcMs)
}

function possibleRuns(instanceTypes: string[], fromUtcMs: number, untilUtcMs: number): NewRun[] {
  if (untilUtcMs - fromUtcMs < quickestRestartMs) return []
  const gap = between(fromUtcMs, untilUtcMs, "vanished")
  return instanceTypes.map((instanceType) => ({ instanceType, start: gap, end: gap, endedByEc2: false }))
}

function endOf(instance: Instance, known: Known | null, { toUtcMs }: Sighting): number {
  // What was stopped ended some time after its run.
  const ended =
    known && isTerminating(known.state) ? (known.endedUtcMs ?? known.lastRun?.end?.latestUtcMs) : null
  return reasonDate(instance) ?? ended ?? toUtcMs
}
