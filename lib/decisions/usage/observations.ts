/**
 * What a complete listing says about an instance, given what was known of it. Facts of EC2 that this rests on: LaunchTime is the
 * last start, to the second; StateTransitionReason tells the last transition, if at all; only what stopped can change its
 * type; a terminated instance shows for about an hour. So a listing can prove less than it seems to: what was stopped may have
 * run and stopped again unseen. Such a gap becomes a run that lasted from no time to all of it. And the date of a termination is
 * the latest that what was last seen running can have run: it may have been stopped before, unseen.
 *
 * What no listing can bound: a run that nobody saw, of a type that nobody saw. It counts as of the types seen before and after.
 */

import { hasEnded, type Instance, type InstanceState } from "../../base/instance.ts"
import { earliestOf, later, type UtcMs } from "../../base/time.ts"
import { endOfRun, mayHideStop, quickestRestartMs, toleranceMs } from "./run_ends.ts"
import { between, exactly, type Instant, isExact, type Run } from "./runs.ts"
import { byEc2, isOn, reasonDate } from "./transitions.ts"

/** When a listing was taken: anything in it was so at one moment between the two. */
export interface Observation {
  fromUtcMs: UtcMs
  toUtcMs: UtcMs
  /** When the last complete listing of the region before this one began; null for the first. */
  previousUtcMs: UtcMs | null
}

/** What was known of an instance before. */
export interface PriorState {
  state: InstanceState
  instanceType: string
  launchedAtUtcMs: UtcMs
  seenUtcMs: UtcMs
  /** Launched through us: then nobody but us can start it again, and we would know. */
  isOurs: boolean
  /** When it was terminated, where that is known; later than its last run where it was stopped before. */
  endedUtcMs: UtcMs | null
  /** Its latest run, if it is known to have run at all. */
  lastRun: Pick<Run, "start" | "end" | "endedByEc2"> | null
}

export interface NewRun {
  instanceType: string
  start: Instant
  end: Instant | null
  endedByEc2: boolean | null
}

/** What has become known. */
export interface Findings {
  state: InstanceState
  /** Of the last run that was known; absent where nothing new is known, an end of null where it runs after all. */
  lastRun?: { start?: Instant; end?: Instant | null; endedByEc2?: boolean | null }
  /** Runs not known before, oldest first. */
  runs: NewRun[]
  /** When it was terminated, where it is. */
  endedUtcMs: UtcMs | null
}

/** LaunchTime and the Date of an answer are to the second. */
const clockErrorMs = 2000

/** What the sight of an instance says. */
export function observe(prior: PriorState | null, instance: Instance, observation: Observation): Findings {
  const findings = prior ? seenAgain(prior, instance, observation) : seenFirst(instance, observation)
  return {
    ...findings,
    endedUtcMs: hasEnded(instance) ? endOf(instance, prior, observation) : null,
  }
}

/** What its absence from a complete listing says; null: nothing yet. */
export function concludeAbsence(
  prior: PriorState,
  isSpot: boolean,
  observation: Observation,
): Findings | null {
  const { fromUtcMs, toUtcMs } = observation
  const mayNotShowYet = prior.launchedAtUtcMs > fromUtcMs - toleranceMs && !hasShown(prior, observation)
  if (mayNotShowYet || prior.seenUtcMs >= fromUtcMs) return null
  const wasOn = prior.lastRun !== null && prior.lastRun.end === null
  const findings: Findings = { state: "terminated", runs: [], endedUtcMs: wasOn ? prior.seenUtcMs : toUtcMs }
  if (wasOn) {
    const end = between(prior.seenUtcMs, toUtcMs, "vanished")
    return { ...findings, lastRun: { end, endedByEc2: isSpot ? null : false } }
  }
  return { ...findings, runs: unseenRuns(prior, [prior.instanceType], toUtcMs) }
}

/** Whether EC2 has told of it since its launch's reply, which alone may be ahead of the listings. */
function hasShown(
  { isOurs, launchedAtUtcMs, seenUtcMs }: PriorState,
  { previousUtcMs }: Observation,
): boolean {
  if (!isOurs) return true
  return (
    previousUtcMs !== null && launchedAtUtcMs + clockErrorMs <= previousUtcMs && seenUtcMs >= previousUtcMs
  )
}

function seenFirst(instance: Instance, observation: Observation): Findings {
  const { type: instanceType, launchedAtUtcMs, firstAttachedUtcMs: first } = instance
  const runs: NewRun[] = []
  if (first !== null && first < launchedAtUtcMs - quickestRestartMs) {
    const end = between(first, launchedAtUtcMs, "observed")
    runs.push({ instanceType, start: exactly(first, "observed"), end, endedByEc2: false })
  } else if (first === null && !isOn(instance) && instance.market === "on-demand") {
    const { previousUtcMs } = observation
    // A listing may have lagged behind the first launch.
    if (previousUtcMs !== null && launchedAtUtcMs - previousUtcMs >= quickestRestartMs)
      runs.push(...possibleRuns([instanceType], later(previousUtcMs, -toleranceMs), launchedAtUtcMs))
  }
  runs.push(runSince(instance, observation))
  return { state: instance.state, runs, endedUtcMs: null }
}

function seenAgain(prior: PriorState, instance: Instance, observation: Observation): Findings {
  const { state, launchedAtUtcMs } = instance
  const findings: Findings = { state, runs: [], endedUtcMs: null }
  const wasOn = prior.lastRun !== null && prior.lastRun.end === null
  if (launchedAtUtcMs > prior.launchedAtUtcMs + quickestRestartMs) {
    const types = [...new Set([prior.instanceType, instance.type])]
    const [, ...otherTypes] = types
    return {
      ...findings,
      ...(wasOn && {
        lastRun: { end: between(prior.seenUtcMs, launchedAtUtcMs, "observed"), endedByEc2: false },
      }),
      runs: [
        ...unseenRuns(prior, wasOn ? otherTypes : types, launchedAtUtcMs),
        runSince(instance, observation),
      ],
    }
  }
  if (wasOn)
    return isOn(instance)
      ? seenRunningOn(prior, instance, observation, findings)
      : seenEnd(prior, instance, observation, findings)
  return isOn(instance)
    ? seenStarted(prior, instance, observation, findings)
    : seenStillOff(prior, instance, findings)
}

/** It ran, and runs. Our own call's time gives way to EC2's LaunchTime. */
function seenRunningOn(
  prior: PriorState,
  instance: Instance,
  { toUtcMs }: Observation,
  findings: Findings,
): Findings {
  if (instance.type !== prior.instanceType) {
    // An emulator that keeps LaunchTime over a restart.
    const gap = between(prior.seenUtcMs, toUtcMs, "observed")
    return {
      ...findings,
      lastRun: { end: gap, endedByEc2: false },
      runs: [{ instanceType: instance.type, start: gap, end: null, endedByEc2: null }],
    }
  }
  const start = betterStart(prior, instance)
  return start ? { ...findings, lastRun: { start } } : findings
}

/** EC2's LaunchTime where we have only our own call's. */
function betterStart(prior: PriorState, { launchedAtUtcMs }: Instance): Instant | null {
  const isOwnCall = prior.lastRun?.start.earliestUtcMs === prior.launchedAtUtcMs
  return isOwnCall && launchedAtUtcMs !== prior.launchedAtUtcMs ? exactly(launchedAtUtcMs, "observed") : null
}

/** The same of a run that is over; an emulator may keep LaunchTime over a restart. */
function startOfEnded(prior: PriorState, instance: Instance): { start?: Instant } {
  const start = betterStart(prior, instance)
  const isNear = Math.abs(instance.launchedAtUtcMs - prior.launchedAtUtcMs) <= toleranceMs
  return start && isNear ? { start } : {}
}

/** It ran, and does not any more. */
function seenEnd(
  prior: PriorState,
  instance: Instance,
  { toUtcMs }: Observation,
  findings: Findings,
): Findings {
  return {
    ...findings,
    lastRun: {
      ...startOfEnded(prior, instance),
      end: endOfRun(instance, prior.seenUtcMs, toUtcMs),
      endedByEc2: byEc2(instance),
    },
  }
}

/** It did not run, and does, though its LaunchTime is no later: our own call has not come through, or an emulator's restart. */
function seenStarted(
  prior: PriorState,
  instance: Instance,
  { fromUtcMs, toUtcMs }: Observation,
  findings: Findings,
): Findings {
  if (prior.state === "stopped") {
    const start = between(prior.seenUtcMs, toUtcMs, "observed")
    return { ...findings, runs: [{ instanceType: instance.type, start, end: null, endedByEc2: null }] }
  }
  const toldUtcMs = prior.lastRun?.end?.latestUtcMs ?? prior.seenUtcMs
  const mayLag = prior.state !== "terminated" && fromUtcMs - toldUtcMs < toleranceMs
  return mayLag
    ? { ...findings, state: prior.state }
    : { ...findings, lastRun: { end: null, endedByEc2: null } }
}

/** It did not run, and does not; but EC2 may now tell when that began. */
function seenStillOff(prior: PriorState, instance: Instance, findings: Findings): Findings {
  const { end, endedByEc2 = null } = prior.lastRun ?? {}
  if (!end) return findings
  const start = startOfEnded(prior, instance)
  const asKnown = start.start ? { ...findings, lastRun: { ...start, end, endedByEc2 } } : findings
  const date = reasonDate(instance)
  const isSameEnd = hasEnded(prior) === hasEnded(instance)
  if (date === null || prior.state === "stopped" || !isSameEnd || end.evidence === "reason") return asKnown
  if (date < end.earliestUtcMs - toleranceMs || date > end.latestUtcMs + toleranceMs) return asKnown
  const isDate = isExact(end) || !mayHideStop(instance, end.earliestUtcMs, date)
  const told = isDate ? exactly(date, "reason") : between(earliestOf(end.earliestUtcMs, date), date, "reason")
  return { ...findings, lastRun: { ...start, end: told, endedByEc2: byEc2(instance) } }
}

/** The run that began at LaunchTime, up to what is known of its end. */
function runSince(instance: Instance, { toUtcMs }: Observation): NewRun {
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

/** What may have run between its last sight, when it was off, and `untilUtcMs`. */
function unseenRuns(prior: PriorState, instanceTypes: string[], untilUtcMs: UtcMs): NewRun[] {
  return prior.isOurs || hasEnded(prior) ? [] : possibleRuns(instanceTypes, prior.seenUtcMs, untilUtcMs)
}

function possibleRuns(instanceTypes: string[], fromUtcMs: UtcMs, untilUtcMs: UtcMs): NewRun[] {
  if (untilUtcMs - fromUtcMs < quickestRestartMs) return []
  const gap = between(fromUtcMs, untilUtcMs, "vanished")
  return instanceTypes.map((instanceType) => ({ instanceType, start: gap, end: gap, endedByEc2: false }))
}

function endOf(instance: Instance, prior: PriorState | null, { toUtcMs }: Observation): UtcMs {
  // What was stopped ended some time after its run.
  const ended = prior && hasEnded(prior) ? (prior.endedUtcMs ?? prior.lastRun?.end?.latestUtcMs) : null
  return reasonDate(instance) ?? ended ?? toUtcMs
}
