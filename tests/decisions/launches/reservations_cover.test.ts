/**
 * Whatever is launched, extended, stopped and started again, and whenever enforcement comes: what was spent and reserved at the last
 * admission covers the bill, for everything that EC2 sells by the second or by the hour.
 */

import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { type MicroUsd, microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, msPerMinute, msPerSecond, type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import { ceilingOf, leaseOfRestart, ranMs } from "../../../lib/decisions/launches/running_time.ts"
import { leaseTerms, remainingCost, startingCost } from "../../../lib/decisions/launches/worst_case.ts"
import { costOfAddress, costOfRun, suseOperation, type Tariff } from "../../../lib/decisions/pricing/costs.ts"
import { costOfFlatRate } from "../../../lib/decisions/pricing/flat_rate_charges.ts"
import { exactly, type Run } from "../../../lib/decisions/usage/runs.ts"

const begin = utcMsOf(Date.UTC(2026, 8, 1))
const operations = ["RunInstances", "RunInstances:0002", "RunInstances:0010", suseOperation]

interface Course {
  operation: string
  granularity: "second" | "hour"
  minimumMs: number
  action: "stop" | "terminate"
  enforcementMs: number
  rates: { microUsdPerHour: MicroUsd; storageMicroUsdPerHour: MicroUsd; addressMicroUsdPerHour: MicroUsd }
}

const course: fc.Arbitrary<Course> = fc.record({
  operation: fc.constantFrom(...operations),
  granularity: fc.constantFrom("second", "hour"),
  minimumMs: fc.constantFrom(0, msPerMinute),
  action: fc.constantFrom("stop", "terminate"),
  enforcementMs: fc.constantFrom(0, 15 * msPerMinute),
  rates: fc.record({
    microUsdPerHour: fc.integer({ min: 1, max: 5_000_000 }).map(microUsdOf),
    storageMicroUsdPerHour: fc.integer({ min: 0, max: 20_000 }).map(microUsdOf),
    addressMicroUsdPerHour: fc.constantFrom(0, 5000).map(microUsdOf),
  }),
})

const step = fc.record({
  afterMs: fc.oneof(fc.integer({ min: 1, max: 2 * msPerMinute }), fc.integer({ min: 1, max: 3 * msPerHour })),
  what: fc.constantFrom("extend", "stop", "start"),
  byMs: fc.integer({ min: 1, max: 6 * msPerHour }),
})

const life = fc.record({
  course,
  leaseMs: fc.integer({ min: 1, max: 5 * msPerHour }),
  steps: fc.array(step, { maxLength: 8 }),
  /** How late enforcement is, of what it may be. */
  late: fc.double({ min: 0, max: 1, noNaN: true }),
  /** EC2 dates a launch by the second in which it is asked for. */
  askedMs: fc.integer({ min: 0, max: 999 }),
  /** When somebody counts what is spent and reserved, of the time until enforcement comes. */
  looks: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
})

const maxMs = 10 * msPerHour
const stoppedMs = 2 * msPerHour

/** One instance from its launch to its end. */
function live(each: typeof life extends fc.Arbitrary<infer T> ? T : never) {
  const { course, leaseMs, steps, late, askedMs, looks } = each
  const { operation, action, enforcementMs, granularity, minimumMs } = course
  const rates = { ...course.rates, usageOperation: operation }
  const billing = { granularity, minimumMs }
  const terms = leaseTerms({ leases: { action, stoppedMs, enforcementMs }, billing } as never)
  const tariff: Tariff = {
    book: {
      overrides: { [`m1.small/${operation}`]: rates.microUsdPerHour },
      ...{ spotFactor: 1, kept: () => [], spot: () => [] },
    },
    billing,
    fingerprint: "",
  }
  const runs: Run[] = []
  const lease = {
    launchedAtUtcMs: begin,
    runStartedAtUtcMs: begin,
    ranBeforeMs: 0,
    endsAtUtcMs: utcMsOf(begin + askedMs + leaseMs),
  }
  let stoppedAtUtcMs: UtcMs | null = null
  let bound = 0

  const startRun = (at: number) =>
    runs.push({
      ...{
        instanceId: "i-1",
        login: "a",
        instanceType: "m1.small",
        market: "on-demand",
        region: "us-east-1",
      },
      ...{
        zone: "us-east-1a",
        usageOperation: operation,
        start: exactly(utcMsOf(at), "observed"),
        end: null,
      },
      ...{ seenUtcMs: utcMsOf(at), endedByEc2: null, publicIpv4: rates.addressMicroUsdPerHour > 0 },
    })
  const stopRun = (at: number) => {
    const last = runs.at(-1)
    if (last && !last.end) last.end = exactly(utcMsOf(at), "observed")
    stoppedAtUtcMs ??= utcMsOf(at)
  }
  const spent = (at: number, endUtcMs: UtcMs | null = null) => {
    const volume = {
      ...{ flatRateId: "v", kind: "volume" as const, login: "a", region: "us-east-1", description: "" },
      ...{
        microUsdPerHour: rates.storageMicroUsdPerHour,
        startEarliestUtcMs: begin,
        startLatestUtcMs: begin,
      },
      ...{
        endEarliestUtcMs: endUtcMs,
        endLatestUtcMs: endUtcMs,
        seenUtcMs: utcMsOf(at),
        goesWithInstance: "i-1",
      },
    }
    const range = { fromUtcMs: utcMsOf(begin - 1), toUtcMs: utcMsOf(Number.MAX_SAFE_INTEGER) }
    return runs.reduce(
      (sum, run) =>
        sum +
        (costOfRun(tariff, run, utcMsOf(at))?.highest ?? Number.NaN) +
        costOfAddress(tariff, run, utcMsOf(at)).highest,
      costOfFlatRate(volume, utcMsOf(at), range)?.highest ?? Number.NaN,
    )
  }
  const counted = (at: number) => {
    const isRunning = stoppedAtUtcMs === null
    const chargedSinceUtcMs = runs.find(({ end }) => !end)?.start.earliestUtcMs ?? null
    const left = { endsAtUtcMs: utcMsOf(lease.endsAtUtcMs), isRunning, chargedSinceUtcMs }
    return spent(at) + remainingCost(rates, left, utcMsOf(at), terms)
  }
  const admitted = (at: number) => {
    bound = counted(at)
  }
  /** When it is gone for good, or has its run ended, if nothing else happens. */
  const lateMs = () => Math.floor(late * enforcementMs)

  let now = begin
  startRun(now)
  admitted(now)
  const asked = startingCost(rates, utcMsOf(lease.endsAtUtcMs), utcMsOf(begin + askedMs), terms)
  const mostCounted = Math.max(...looks.map((part) => counted(begin + Math.round(part * leaseMs))))
  for (const { afterMs, what, byMs } of steps) {
    const next = now + afterMs
    const enforcedAt = lease.endsAtUtcMs + lateMs()
    if (next >= enforcedAt) {
      if (action === "terminate" || next >= lease.endsAtUtcMs + stoppedMs + lateMs()) break
      stopRun(enforcedAt)
    }
    now = utcMsOf(next)
    const run = { ...lease, stoppedAtUtcMs }
    if (what === "stop") stopRun(now)
    if (what === "extend" && lease.endsAtUtcMs + byMs <= ceilingOf(run, maxMs)) {
      lease.endsAtUtcMs = utcMsOf(lease.endsAtUtcMs + byMs)
      admitted(now)
    }
    if (what === "start" && stoppedAtUtcMs !== null) {
      const given = leaseOfRestart(run, { defaultMs: 4 * msPerHour, maxMs }, now)
      if ("refused" in given) continue
      lease.ranBeforeMs = ranMs(run, now)
      lease.runStartedAtUtcMs = now
      lease.endsAtUtcMs = utcMsOf(now + given.leaseMs)
      stoppedAtUtcMs = null
      startRun(now)
      admitted(now)
    }
  }
  const overAt = Math.max(now, lease.endsAtUtcMs + lateMs())
  stopRun(overAt)
  const goneAt = Math.max(overAt, lease.endsAtUtcMs + (action === "stop" ? stoppedMs : 0) + lateMs())
  const lengths = runs.map(({ start, end }) => (end?.latestUtcMs ?? goneAt) - start.latestUtcMs)
  return {
    bound,
    ledger: spent(goneAt, utcMsOf(goneAt)),
    bill: billOf(course, lengths, goneAt - begin),
    lengths,
    asked,
    mostCounted,
  }
}

/** By EC2's rules as documented, apart from our own code: each line rounded half up. */
function billOf(
  { operation, granularity, minimumMs, rates }: Course,
  runsMs: number[],
  lifeMs: number,
): number {
  const isHourly = granularity === "hour" || operation === suseOperation
  const charged = (ms: number) =>
    isHourly ? Math.max(1, Math.ceil(ms / msPerHour)) * msPerHour : Math.max(ms, minimumMs)
  const line = (microUsdPerHour: MicroUsd, ms: number) =>
    Number((BigInt(microUsdPerHour) * BigInt(ms) * 2n + 3_600_000n) / 7_200_000n)
  const instance = runsMs.reduce((sum, ms) => sum + line(rates.microUsdPerHour, charged(ms)), 0)
  const flat = (ms: number) => Math.max(ms, 60 * msPerSecond)
  const address = runsMs.reduce((sum, ms) => sum + line(rates.addressMicroUsdPerHour, flat(ms)), 0)
  return instance + address + line(rates.storageMicroUsdPerHour, flat(lifeMs))
}

describe("what is reserved", () => {
  test("covers the bill of any life, by the second and by the hour, for every platform", () => {
    fc.assert(
      fc.property(life, (each) => {
        const { bound, bill, ledger } = live(each)
        expect(ledger).toBe(bill)
        expect(bill).toBeLessThanOrEqual(bound)
      }),
      { numRuns: 4000 },
    )
  })

  test("is, with what is spent, never more than the launch was admitted for", () => {
    fc.assert(
      fc.property(life, (each) => {
        const { asked, mostCounted } = live(each)
        expect(mostCounted).toBeLessThanOrEqual(asked)
      }),
      { numRuns: 2000 },
    )
  })

  test("never lets an instance run longer than the ceiling and enforcement, stopped and started as often as may be", () => {
    fc.assert(
      fc.property(life, (each) => {
        const ran = live(each).lengths.reduce((sum, ms) => sum + ms, 0)
        expect(ran).toBeLessThanOrEqual(maxMs + each.course.enforcementMs)
      }),
      { numRuns: 2000 },
    )
  })
})
