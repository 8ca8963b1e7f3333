/**
 * Random histories of instances, faults in what cron sees of them, and the bill that AWS would write by its documented rules:
 * the true cost lies inside our bounds always, and equals our figure where every instant is known.
 */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { Instance } from "../../lib/base/instance.ts"
import { costOf } from "../../lib/base/money.ts"
import { msPerHour, msPerMinute } from "../../lib/base/time.ts"
import { costOfRun, type Tariff } from "../../lib/decisions/costs.ts"
import { withEvents } from "../../lib/decisions/events.ts"
import { type Interval, isExact } from "../../lib/decisions/intervals.ts"
import { type Known, missing, type News, type Sighting, seen } from "../../lib/decisions/sightings.ts"
import { instanceWith } from "../support/ledger.ts"

const begin = Date.UTC(2026, 8, 1)
const prices: Record<string, number> = { "m1.small": 85_000, "c1.medium": 170_000, "t1.micro": 17_000 }
const spotChanges = [
  { fromUtcMs: begin - 90 * msPerHour, microUsdPerHour: 30_000 },
  { fromUtcMs: begin + 2 * msPerHour, microUsdPerHour: 45_000 },
  { fromUtcMs: begin + 9 * msPerHour, microUsdPerHour: 20_000 },
]
const tariff: Tariff = {
  book: { overrides: prices, spotFactor: 0.7, kept: () => [], spot: () => spotChanges },
  billing: { granularity: "second", minimumMs: msPerMinute },
  fingerprint: "",
}

interface TrueRun {
  type: string
  startUtcMs: number
  endUtcMs: number
}

interface History {
  market: Instance["market"]
  runs: TrueRun[]
  /** When it was terminated, also from stopped. */
  endUtcMs: number
  /** EC2 took it back. */
  interrupted: boolean
  /** Whether EC2 dates its reasons. */
  dated: boolean
}

const seconds = (minimum: number, maximum: number) =>
  fc.integer({ min: minimum, max: maximum }).map((s) => s * 1000)
const type = fc.constantFrom(...Object.keys(prices))

const onDemand: fc.Arbitrary<History> = fc
  .record({
    phases: fc.array(fc.record({ type, ran: seconds(5, 20_000), off: seconds(120, 20_000) }), {
      minLength: 1,
      maxLength: 4,
    }),
    dated: fc.boolean(),
    endsRunning: fc.boolean(),
  })
  .map(({ phases, dated, endsRunning }) => {
    let at = begin
    const runs = phases.map(({ type, ran, off }) => {
      const run = { type, startUtcMs: at, endUtcMs: at + ran }
      at += ran + off
      return run
    })
    const endUtcMs = endsRunning ? (runs.at(-1)?.endUtcMs ?? at) : at
    return { market: "on-demand", runs, endUtcMs, interrupted: false, dated }
  })

const spot: fc.Arbitrary<History> = fc
  .record({ type, ran: seconds(5, 40_000), dated: fc.boolean(), interrupted: fc.boolean() })
  .map(({ type, ran, ...rest }) => {
    const endUtcMs = begin + ran
    return { market: "spot", runs: [{ type, startUtcMs: begin, endUtcMs }], endUtcMs, ...rest }
  })

/** When cron looks; far apart where it was down for days. */
const looks = fc
  .array(
    fc.oneof({ weight: 5, arbitrary: seconds(60, 1800) }, { weight: 1, arbitrary: seconds(3600, 200_000) }),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((gaps) => {
    let at = begin - msPerHour
    // The first is before the launch: what began before any look may have run for ever before.
    return [at, ...gaps.map((gap) => (at += gap))]
  })

/** What DescribeInstances shows at an instant: nothing before the launch, and an hour after the termination. */
function shown({ market, runs, endUtcMs, interrupted, dated }: History, atUtcMs: number): Instance | null {
  const started = runs.filter(({ startUtcMs }) => startUtcMs <= atUtcMs)
  const last = started.at(-1)
  if (!last || atUtcMs > endUtcMs + msPerHour) return null
  const state = atUtcMs >= endUtcMs ? "terminated" : atUtcMs < last.endUtcMs ? "running" : "stopped"
  const since = state === "terminated" ? endUtcMs : last.endUtcMs
  const date = new Date(since).toISOString().slice(0, 19).replace("T", " ")
  return instanceWith({
    ...{ id: "i-1", type: last.type, market, state, launchedAtUtcMs: last.startUtcMs },
    firstAttachedUtcMs: state === "terminated" ? null : begin,
    stateTransitionReason: state !== "running" && dated ? `User initiated (${date} GMT)` : "",
    stateReasonCode: state === "terminated" && interrupted ? "Server.SpotInstanceTermination" : "",
    tags: {},
  })
}

interface Told {
  runs: Interval[]
  known: Known | null
}

/** Applies what a look says, as record_sighting does in the database. */
function apply(told: Told, news: News, instance: Instance | null, seenUtcMs: number): void {
  const last = told.runs.at(-1)
  if (last && news.lastRun) {
    if (news.lastRun.start) last.start = news.lastRun.start
    if (news.lastRun.end !== undefined) last.end = news.lastRun.end
    if (news.lastRun.endedByEc2 !== undefined) last.endedByEc2 = news.lastRun.endedByEc2
  }
  const market = instance?.market ?? last?.market ?? "on-demand"
  for (const run of news.runs) {
    told.runs.push({
      ...{ instanceId: "i-1", login: "cs61c-ab", market, region: "us-east-1", zone: "us-east-1a" },
      ...{ usageOperation: "RunInstances", publicIpv4: false, seenUtcMs, ...run },
    })
  }
  told.runs.sort((one, other) => one.start.earliestUtcMs - other.start.earliestUtcMs)
  const lastRun = told.runs.at(-1) ?? null
  if (lastRun) lastRun.seenUtcMs = seenUtcMs
  told.known = {
    ...{ state: news.state, instanceType: instance?.type ?? told.known?.instanceType ?? "" },
    launchedAtUtcMs: instance?.launchedAtUtcMs ?? told.known?.launchedAtUtcMs ?? 0,
    ...{ seenUtcMs, isOurs: false, lastRun },
  }
}

function watch(history: History, times: readonly number[]): Told {
  const told: Told = { runs: [], known: null }
  let previousUtcMs: number | null = null
  for (const at of times) {
    const sighting: Sighting = { fromUtcMs: at, toUtcMs: at + 500, previousUtcMs }
    previousUtcMs = at
    const instance = shown(history, at)
    if (instance) apply(told, seen(told.known, instance, sighting), instance, at)
    else if (told.known && told.known.state !== "terminated") {
      const news = missing(told.known, history.market === "spot", sighting)
      if (news) apply(told, news, null, told.known.seenUtcMs)
    }
  }
  return told
}

/** What AWS charges until an instant. */
function billOf({ market, runs, interrupted }: History, untilUtcMs: number): number {
  let bill = 0
  for (const { type, startUtcMs, endUtcMs } of runs) {
    if (startUtcMs > untilUtcMs) continue
    const end = Math.min(endUtcMs, untilUtcMs)
    if (interrupted && market === "spot" && endUtcMs - startUtcMs < msPerHour && endUtcMs <= untilUtcMs)
      continue
    const billedEnd = Math.max(end, startUtcMs + msPerMinute)
    if (market === "on-demand") bill += costOf(prices[type] ?? 0, billedEnd - startUtcMs)
    else {
      // The documented rule by brute force: second by second at the price in force.
      let product = 0
      for (let at = startUtcMs; at < billedEnd; at += 1000) {
        product += (spotChanges.findLast(({ fromUtcMs }) => fromUtcMs <= at)?.microUsdPerHour ?? 0) * 1000
      }
      bill += Math.round(product / msPerHour)
    }
  }
  return bill
}

function boundsOf(runs: readonly Interval[], nowUtcMs: number) {
  const costs = runs.map((run) => costOfRun(tariff, run, nowUtcMs))
  const sum = (of: "lowest" | "highest") =>
    costs.reduce((total, cost) => total + (cost?.[of] ?? Number.NaN), 0)
  return { lowest: sum("lowest"), highest: sum("highest") }
}

/** Cron saw it at least once, so that there is something to know. */
const wasSeen = (history: History, times: readonly number[]) =>
  times.some((at) => shown(history, at) !== null)

/** A stop that no look saw before a termination: the one thing where we may say too much at the least (sightings.ts). */
function hidesStop({ runs, endUtcMs, dated }: History, times: readonly number[]): boolean {
  const stop = runs.at(-1)?.endUtcMs ?? endUtcMs
  return dated && stop < endUtcMs && !times.some((at) => at >= stop && at < endUtcMs)
}

/** A type that ran only between two looks, or dearer types changed unseen, nobody can know of. */
function hidesType({ runs }: History, times: readonly number[]): boolean {
  return (
    new Set(runs.map((run) => run.type)).size > 1 &&
    runs.some((run) => !times.some((at) => at >= run.startUtcMs && at < run.endUtcMs))
  )
}

const runsOf = { numRuns: 4000, endOnFailure: true }

describe("the oracle", () => {
  for (const [name, histories] of Object.entries({ "on demand": onDemand, "on spot": spot })) {
    test(`the true cost ${name} lies inside the bounds, whatever cron sees`, () => {
      fc.assert(
        fc.property(histories, looks, (history, times) => {
          fc.pre(wasSeen(history, times) && !hidesType(history, times))
          const now = times.at(-1) ?? begin
          const { lowest, highest } = boundsOf(watch(history, times).runs, now)
          const bill = billOf(history, now)
          expect(highest).toBeGreaterThanOrEqual(bill - history.runs.length)
          if (!hidesStop(history, times)) expect(lowest).toBeLessThanOrEqual(bill + history.runs.length)
        }),
        runsOf,
      )
    })
  }

  test("where every instant is exact, our figure is AWS's", () => {
    let exact = 0
    fc.assert(
      fc.property(fc.oneof(onDemand, spot), looks, (history, times) => {
        const now = times.at(-1) ?? begin
        const { runs } = watch(history, times)
        const isCertain =
          runs.length > 0 && runs.every(({ start, end }) => isExact(start) && end !== null && isExact(end))
        fc.pre(isCertain && !hidesStop(history, times))
        exact++
        const { lowest, highest } = boundsOf(runs, now)
        expect(lowest).toBe(highest)
        expect(Math.abs(highest - billOf(history, now))).toBeLessThanOrEqual(history.runs.length)
      }),
      { numRuns: 2000, endOnFailure: true },
    )
    expect(exact).toBeGreaterThan(100)
  })

  test("CloudTrail's events never put the truth outside", () => {
    fc.assert(
      fc.property(onDemand, looks, (history, times) => {
        fc.pre(wasSeen(history, times) && !hidesType(history, times) && !hidesStop(history, times))
        const now = times.at(-1) ?? begin
        const events = [
          ...history.runs.map((run, index) => ({
            name: index === 0 ? "RunInstances" : "StartInstances",
            atUtcMs: run.startUtcMs,
          })),
          ...history.runs.map((run) => ({
            name: run.endUtcMs === history.endUtcMs ? "TerminateInstances" : "StopInstances",
            atUtcMs: run.endUtcMs,
          })),
          { name: "TerminateInstances", atUtcMs: history.endUtcMs },
        ].filter(({ atUtcMs }) => atUtcMs <= now)
        const better = watch(history, times).runs.flatMap((run) => {
          const doubtful = run.end !== null && !(isExact(run.start) && isExact(run.end))
          const found = doubtful ? withEvents(run, events) : null
          return found === null ? [run] : found.map((part) => ({ ...run, ...part }))
        })
        const { lowest, highest } = boundsOf(better, now)
        const bill = billOf(history, now)
        expect(lowest).toBeLessThanOrEqual(bill + history.runs.length)
        expect(highest).toBeGreaterThanOrEqual(bill - history.runs.length)
      }),
      { numRuns: 2000, endOnFailure: true },
    )
  })
})
