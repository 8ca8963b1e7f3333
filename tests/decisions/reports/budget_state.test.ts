/** What is left of a budget, how long it lasts, and which warning is due. */
import { describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { later, msPerDay, utcMsOf } from "../../../lib/base/time.ts"
import { budgetState, passedPercent } from "../../../lib/decisions/reports/budget_state.ts"
import { budgetLine } from "../../../lib/terminal/reports/budget_line.ts"

const now = utcMsOf(Date.UTC(2026, 11, 1, 12))
const state = (budget: number, spent: number, reserved: number, perDay: number) =>
  budgetState(
    {
      budget: microUsd(budget),
      spent: microUsd(spent),
      reserved: microUsd(reserved),
      perDay: microUsd(perDay),
    },
    now,
  )

describe("a budget", () => {
  const cases: [is: string, parts: Parameters<typeof state>, left: number, days: number | null][] = [
    ["lasts while what is unspent pays for the pace", [10, 4, 1, 2], 5, 3],
    ["is used up at once where all is spent", [10, 10, 0, 2], 0, 0],
    ["is used up where more is spent", [10, 12, 0, 0], -2, 0],
    ["has no end where nothing was spent lately", [10, 4, 0, 0], 6, null],
    ["has no end that is more than a year away", [1000, 0, 0, 1], 1000, null],
  ]
  test.each(cases)("%s", (_is, parts, left, days) => {
    const found = state(...parts)
    expect(found.left).toBe(microUsd(left))
    expect(found.lastsUntilUtcMs).toBe(days === null ? null : later(now, days * msPerDay))
  })

  test("is said in one line", () => {
    expect(budgetLine(state(10, 4, 1, 2))).toBe(
      "budget: $4.00 spent, $1.00 reserved, $5.00 left of $10.00; at the pace of the last 24 hours ($2.00) it lasts until 2026-12-04 12:00 UTC",
    )
    expect(budgetLine(state(10, 4, 1, 0))).toBe("budget: $4.00 spent, $1.00 reserved, $5.00 left of $10.00")
    expect(budgetLine(state(10, 12, 1, 2))).toEndWith("$0.00 left of $10.00; it is used up")
    expect(budgetLine(state(1000, 0, 0, 1))).toEndWith("it lasts for more than a year")
  })
})

describe("of 50, 80 and 95 percent", () => {
  const cases: [spent: number, budget: number | null, passed: number | null][] = [
    [4.99, 10, null],
    [5, 10, 50],
    [7.99, 10, 50],
    [8, 10, 80],
    [12, 10, 95],
    [5, 0, null],
    [5, null, null],
  ]
  test.each(cases)("$%p spent of %p passes %p", (spent, budget, passed) => {
    const amounts = { spent: microUsd(spent), budget: budget === null ? null : microUsd(budget) }
    expect(passedPercent(amounts, [50, 80, 95])).toBe(passed)
  })
})
