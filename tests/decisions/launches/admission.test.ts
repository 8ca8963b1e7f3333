import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { Limits } from "../../../lib/base/config.ts"
import { type MicroUsd, microUsd, microUsdOf } from "../../../lib/base/money.ts"
import {
  type AdmissionRequest,
  admit,
  type Exposure,
  type Holding,
  headroomOf,
} from "../../../lib/decisions/launches/admission.ts"

/** US$ as everybody writes them; null stays null. */
const cents = <T extends number | null>(usd: T) => (usd === null ? null : microUsd(usd)) as MicroUsd | null

const limits = ({ hourly = 0.5, instances = 20, budget = null as number | null } = {}): Limits => ({
  maxHourlyCost: microUsd(hourly),
  maxInstances: instances,
  instanceTypes: ["*"],
  images: [],
  budget: cents(budget),
})
const holding = (state: Holding["state"], count: number, usdPerHour: number | null): Holding => ({
  state,
  count,
  microUsdPerHour: cents(usdPerHour),
})
const exposure = (
  holdings: Holding[] = [],
  { spent = 0, reserved = 0, courseSpent = 0, courseReserved = 0 } = {},
): Exposure => ({
  holdings,
  spent: microUsd(spent),
  reserved: microUsd(reserved),
  courseSpent: microUsd(courseSpent),
  courseReserved: microUsd(courseReserved),
})
const asked = (count: number, usdPerHour: number, worst = 0): AdmissionRequest => ({
  verb: "asked",
  count,
  microUsdPerHour: microUsd(usdPerHour),
  worst: microUsd(worst),
})

interface Case {
  what: string
  has?: Exposure
  request: AdmissionRequest
  limits?: Limits
  courseBudget?: number | null
  /** Null where it is admitted. */
  refused: string | null
}

/** US$ per hour, all of it counted; a GiB costs $0.0001. */
const withStorage = (usdPerHour: number, holdings: Holding[] = []): Exposure => ({
  ...exposure(holdings),
  storage: {
    microUsdPerHour: microUsd(usdPerHour),
    countedMicroUsdPerHour: microUsd(usdPerHour),
    gp3MicroUsdPerGibHour: 100,
  },
})
const askedStorage = (usdPerHour: number): AdmissionRequest => ({
  ...asked(0, 0),
  storage: { microUsdPerHour: microUsd(usdPerHour), countedMicroUsdPerHour: microUsd(usdPerHour) },
})

const cases: Case[] = [
  { what: "storage that fits", has: withStorage(0.02), request: askedStorage(0.08), refused: null },
  {
    what: "storage beyond the hour",
    has: withStorage(0.05, [holding("running", 1, 0.4)]),
    request: askedStorage(0.06),
    refused: "1 running at $0.40/h + storage at $0.05/h + storage asked at $0.06/h = $0.51/h, limit $0.50/h",
  },
  {
    what: "an instance beside storage",
    has: withStorage(0.45),
    request: asked(1, 0.06),
    refused: "storage at $0.45/h + 1 asked at $0.06/h = $0.51/h, limit $0.50/h",
  },
  {
    what: "more storage than 1000 GiB",
    has: withStorage(0.06),
    request: askedStorage(0.05),
    refused: "600 GiB of storage + 500 GiB asked = 1100 GiB at the price of gp3, limit 1000 GiB",
  },
  { what: "the first launch", request: asked(1, 0.085), refused: null },
  { what: "exactly what is left of the hour", request: asked(5, 0.1), refused: null },
  {
    what: "a micro-dollar more than that",
    request: asked(1, 0.500001),
    refused: "1 asked at $0.500001/h = $0.500001/h, limit $0.50/h",
  },
  {
    what: "too much beside what runs",
    has: exposure([holding("running", 2, 0.17)]),
    request: asked(3, 0.17),
    refused: "2 running at $0.17/h + 3 asked at $0.17/h = $0.85/h, limit $0.50/h",
  },
  {
    what: "what is stopped, launching and requested counts as what runs",
    has: exposure([holding("stopped", 1, 0.2), holding("launching", 1, 0.2), holding("requested", 1, 0.05)]),
    request: asked(1, 0.1),
    refused:
      "1 stopped at $0.20/h + 1 launching at $0.20/h + 1 requested at $0.05/h + 1 asked at $0.10/h = $0.55/h, limit $0.50/h",
  },
  {
    what: "holdings of one state and price are one term",
    has: exposure([holding("running", 1, 0.2), holding("running", 2, 0.1), holding("running", 1, 0.2)]),
    request: asked(1, 0.01),
    refused: "2 running at $0.20/h + 2 running at $0.10/h + 1 asked at $0.01/h = $0.61/h, limit $0.50/h",
  },
  {
    what: "an unknown price counts as an instance and as no money",
    has: exposure([holding("running", 20, null)]),
    request: asked(1, 0.1),
    refused: "20 running + 1 asked = 21 instances, limit 20",
  },
  {
    what: "an unknown price is named where the hour does not hold the rest",
    has: exposure([holding("running", 1, null)]),
    request: asked(1, 0.6),
    refused: "1 running at an unknown price + 1 asked at $0.60/h = $0.60/h, limit $0.50/h",
  },
  { what: "exactly as many as may be", request: asked(20, 0.01), refused: null },
  {
    what: "one more",
    has: exposure([holding("running", 1, 0.01), holding("stopped", 2, 0.01), holding("running", 1, 0.02)]),
    request: asked(17, 0.01),
    refused: "2 running + 2 stopped + 17 asked = 21 instances, limit 20",
  },
  {
    what: "the hourly limit is named before the count",
    request: asked(21, 0.1),
    refused: "21 asked at $0.10/h = $2.10/h, limit $0.50/h",
  },
  {
    what: "a restart, which says so",
    has: exposure([holding("running", 2, 0.2)]),
    request: { ...asked(1, 0.2), verb: "started again" },
    refused: "2 running at $0.20/h + 1 started again at $0.20/h = $0.60/h, limit $0.50/h",
  },
  {
    what: "all of the budget",
    has: exposure([], { spent: 1.2, reserved: 0.85 }),
    request: asked(1, 0.1, 7.95),
    limits: limits({ budget: 10 }),
    refused: null,
  },
  {
    what: "a micro-dollar more than the budget",
    has: exposure([], { spent: 1.2, reserved: 0.85 }),
    request: asked(1, 0.1, 7.950001),
    limits: limits({ budget: 10 }),
    refused: "$1.20 spent + $0.85 reserved + $7.950001 asked at most = $10.000001, budget $10.00",
  },
  {
    what: "where nothing is reserved the sum does not name it",
    has: exposure([], { spent: 9 }),
    request: asked(1, 0.1, 2),
    limits: limits({ budget: 10 }),
    refused: "$9.00 spent + $2.00 asked at most = $11.00, budget $10.00",
  },
  {
    what: "a budget of nothing",
    request: asked(1, 0.1, 0.01),
    limits: limits({ budget: 0 }),
    refused: "$0.00 spent + $0.01 asked at most = $0.01, budget $0.00",
  },
  {
    what: "the course's budget, although the user's holds it",
    has: exposure([], { spent: 1, courseSpent: 900, courseReserved: 99 }),
    request: asked(1, 0.1, 1.5),
    limits: limits({ budget: 10 }),
    courseBudget: 1000,
    refused: "the course: $900.00 spent + $99.00 reserved + $1.50 asked at most = $1000.50, budget $1000.00",
  },
  {
    what: "the user's budget is named before the course's",
    has: exposure([], { spent: 10, courseSpent: 1000 }),
    request: asked(1, 0.1, 1),
    limits: limits({ budget: 10 }),
    courseBudget: 1000,
    refused: "$10.00 spent + $1.00 asked at most = $11.00, budget $10.00",
  },
  {
    what: "an extension, which adds money and no instance, over a limit that staff lowered since",
    has: exposure([holding("running", 30, 0.1)]),
    request: asked(0, 0, 1),
    limits: limits({ budget: 10 }),
    refused: null,
  },
  {
    what: "an extension that the budget does not hold",
    has: exposure([holding("running", 1, 0.1)], { spent: 9.5 }),
    request: asked(0, 0, 1),
    limits: limits({ budget: 10 }),
    refused: "$9.50 spent + $1.00 asked at most = $10.50, budget $10.00",
  },
  {
    what: "an extension that adds nothing, although more than the budget is spent",
    has: exposure([], { spent: 12 }),
    request: asked(0, 0, 0),
    limits: limits({ budget: 10 }),
    refused: null,
  },
]

describe("admission", () => {
  test.each(cases)(
    "$what",
    ({ has = exposure(), request, limits: allowed = limits(), courseBudget = null, refused }) => {
      const admission = admit(has, request, allowed, cents(courseBudget))
      expect(admission.allow ? null : admission.because).toBe(refused)
    },
  )

  test("tells what is left after the request", () => {
    const has = exposure([holding("running", 2, 0.1)], {
      spent: 1,
      reserved: 2,
      courseSpent: 5,
      courseReserved: 7,
    })
    const admission = admit(has, asked(1, 0.1, 3), limits({ budget: 10 }), microUsd(100))
    expect(admission).toEqual({
      allow: true,
      left: {
        hourly: microUsd(0.2),
        instances: 17,
        budget: microUsd(4),
        courseBudget: microUsd(85),
      },
    })
  })

  test("tells no budget where there is none", () => {
    expect(admit(exposure(), asked(1, 0.1, 3), limits(), null)).toMatchObject({
      left: { budget: null, courseBudget: null },
    })
  })
})

test("headroom is negative where a limit was lowered since", () => {
  const has = exposure([holding("running", 30, 0.1)], { spent: 8, reserved: 4 })
  expect(headroomOf(has, limits({ budget: 10 }), null)).toEqual({
    hourly: microUsd(-2.5),
    instances: -10,
    budget: microUsd(-2),
    courseBudget: null,
  })
})

describe("whatever is held and asked", () => {
  const money = (max: number) => fc.integer({ min: 0, max }).map((amount) => microUsdOf(amount))
  const anyHolding = fc.record({
    state: fc.constantFrom<Holding["state"]>("running", "stopped", "launching", "requested"),
    count: fc.integer({ min: 1, max: 30 }),
    microUsdPerHour: fc.option(money(500_000)),
  })
  const any = fc.record({
    has: fc.record({
      holdings: fc.array(anyHolding, { maxLength: 5 }),
      ...{ spent: money(9e6), reserved: money(9e6), courseSpent: money(9e6), courseReserved: money(9e6) },
    }),
    request: fc.record({
      verb: fc.constant<"asked">("asked"),
      count: fc.integer({ min: 0, max: 30 }),
      ...{ microUsdPerHour: money(500_000), worst: money(9e6) },
    }),
    budget: fc.option(money(20e6)),
    courseBudget: fc.option(money(40e6)),
    maxHourlyCost: money(8e6),
  })

  test("what is admitted fits every limit, and what is left is what was left less the request", () => {
    fc.assert(
      fc.property(any, ({ has, request, budget, courseBudget, maxHourlyCost }) => {
        const allowed = { ...limits(), maxHourlyCost, budget }
        const admission = admit(has, request, allowed, courseBudget)
        if (!admission.allow) return
        const before = headroomOf(has, allowed, courseBudget)
        const { left } = admission
        expect(left.instances).toBe(before.instances - request.count)
        expect(left.hourly as number).toBe(before.hourly - request.count * request.microUsdPerHour)
        if (request.count > 0) {
          expect(left.instances).toBeGreaterThanOrEqual(0)
          expect(left.hourly).toBeGreaterThanOrEqual(0)
        }
        if (request.worst > 0) {
          for (const rest of [left.budget, left.courseBudget]) {
            if (rest !== null) expect(rest).toBeGreaterThanOrEqual(0)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  test("who is refused may not have it with more held either", () => {
    fc.assert(
      fc.property(any, anyHolding, ({ has, request, budget, courseBudget, maxHourlyCost }, more) => {
        const allowed = { ...limits(), maxHourlyCost, budget }
        const fuller = { ...has, holdings: [...has.holdings, more] }
        if (!admit(has, request, allowed, courseBudget).allow)
          expect(admit(fuller, request, allowed, courseBudget).allow).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })
})
