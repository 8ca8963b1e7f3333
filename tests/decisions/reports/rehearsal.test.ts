/** A term against other limits. */
import { afterAll, describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { later, msPerHour, msPerMinute, utcMsOf } from "../../../lib/base/time.ts"
import { type RehearsedRules, rehearse } from "../../../lib/decisions/reports/rehearsal.ts"
import { exactly, type Run } from "../../../lib/decisions/usage/runs.ts"
import { newLedger, plainRules } from "../../support/ledger.ts"

const begin = utcMsOf(Date.UTC(2026, 8, 1))
const db = newLedger()
const tariff = db.prices.tariff(plainRules)
afterAll(() => db.close())

const run = (instanceId: string, fromHour: number, hours: number, login = "aa"): Run => {
  const start = later(begin, fromHour * msPerHour)
  const end = later(start, hours * msPerHour)
  return {
    ...{ instanceId, login, instanceType: "m1.small", market: "on-demand", region: "us-east-1", zone: "" },
    ...{ usageOperation: "RunInstances", publicIpv4: false, seenUtcMs: end, endedByEc2: false },
    ...{ start: exactly(start, "observed"), end: exactly(end, "reason") },
  }
}
const limits = {
  ...{
    instanceTypes: ["*"],
    images: [],
    maxInstances: 20,
    maxHourlyCost: microUsd(5),
    budget: microUsd(100),
  },
}
const with_ = (changes: Partial<typeof limits>, others: Partial<RehearsedRules> = {}): RehearsedRules => ({
  ...{ tariff, limitsOf: () => ({ ...limits, ...changes }), courseBudget: null },
  leases: { defaultMs: 4 * msPerHour, maxMs: 24 * msPerHour, enforcementMs: 0 },
  nowUtcMs: later(begin, 1000 * msPerHour),
  ...others,
})
const refusals = (runs: Run[], rules: RehearsedRules) =>
  rehearse(runs, rules).refused.map((one) => `${one.run.instanceId}: ${one.because}`)

describe("rehearse", () => {
  const two = [run("i-2", 1, 4), run("i-1", 0, 4)]

  test("refuses nothing by the rules of the term, and sums up what was spent", () => {
    const { starts, refused, cut, spent, saved } = rehearse(two, with_({}))
    expect([starts, refused, cut, spent.highest, saved.highest]).toEqual([
      2,
      [],
      [],
      microUsd(0.68),
      microUsd(0),
    ])
  })

  test.each([
    [{ maxInstances: 1 }, "i-2: 2 instances, limit 1"],
    [{ maxHourlyCost: microUsd(0.1) }, "i-2: $0.17/h, limit $0.10/h"],
    // one hour spent, three reserved, and four asked
    [{ budget: microUsd(0.5) }, "i-2: budget: $0.68 of $0.50"],
  ])("in the order of starts, by %p", (changes, because) => {
    expect(refusals(two, with_(changes))).toEqual([because])
    expect(rehearse(two, with_(changes)).saved.highest).toBe(microUsd(0.34))
  })

  test("counts nothing of what it refused: the room is there for the next one", () => {
    const three = [run("i-1", 0, 4), run("i-2", 1, 4), run("i-3", 4, 4)]
    expect(refusals(three, with_({ maxInstances: 1 }))).toEqual(["i-2: 2 instances, limit 1"])
  })

  test("refuses later starts of an instance that was never launched, and types that are not allowed", () => {
    const again = [run("i-1", 0, 9), run("i-2", 1, 1), run("i-2", 10, 1)]
    expect(refusals(again, with_({ maxInstances: 1 }))).toEqual([
      "i-2: 2 instances, limit 1",
      "i-2: its launch was refused",
    ])
    expect(refusals([run("i-1", 0, 1)], with_({ instanceTypes: ["t3.*"] }))).toEqual([
      "i-1: type m1.small is not allowed, only t3.*",
    ])
  })

  test("bounds everybody together by the course's budget", () => {
    const both = [run("i-1", 0, 4, "aa"), run("i-2", 1, 4, "bb")]
    expect(refusals(both, with_({}, { courseBudget: microUsd(0.5) }))).toEqual([
      "i-2: course budget: $0.68 of $0.50",
    ])
  })

  test("ends a run with the longest lease, which counts an instance's earlier runs", () => {
    const leases = { defaultMs: msPerHour, maxMs: 3 * msPerHour, enforcementMs: 10 * msPerMinute }
    const { cut, refused, saved } = rehearse(
      [run("i-1", 0, 2), run("i-1", 5, 2), run("i-1", 9, 1)],
      with_({}, { leases }),
    )
    expect(cut.map(({ endsAtUtcMs }) => endsAtUtcMs)).toEqual([
      later(begin, 6 * msPerHour + 10 * msPerMinute),
    ])
    expect(refused.map(({ because }) => because)).toEqual(["it has run as long as leases allow"])
    expect(saved.highest).toBe(microUsd(0.085 + (0.085 * 50) / 60))
  })

  test("leaves nobody's instances out", () => {
    expect(rehearse([run("i-1", 0, 1, "")], with_({ maxInstances: 0 })).starts).toBe(0)
  })
})
