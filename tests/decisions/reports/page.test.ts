/** Pieces of the page: amounts, ticks, pace, bars. */
import { describe, expect, test } from "bun:test"
import { microUsd, microUsdOf } from "../../../lib/base/money.ts"
import { later, msPerDay, utcMsOf } from "../../../lib/base/time.ts"
import { type Balance, leftOf } from "../../../lib/decisions/reports/balance.ts"
import { dayChart } from "../../../lib/decisions/reports/day_chart.ts"
import { goneAt, paceOf, spentIn } from "../../../lib/decisions/reports/pace.ts"
import { dollarRange, dollars, escapeHtml } from "../../../lib/decisions/reports/page_text.ts"
import { evenPlaces, roundTicks } from "../../../lib/decisions/reports/ticks.ts"
import { budgetMark, usedText, userBars, userTable } from "../../../lib/decisions/reports/user_bars.ts"

const one = (login: string, spent: number, budget: number | null = 100): Balance => {
  const amount = budget === null ? null : microUsd(budget)
  const bounds = { lowest: microUsd(spent), highest: microUsd(spent) }
  return {
    login,
    ...bounds,
    unpriced: 0,
    isEstimate: false,
    budget: amount,
    left: leftOf(amount, bounds.highest),
  }
}

test.each([
  [0, "$0.00"],
  [999.5, "$999.50"],
  [1234.5, "$1,234.50"],
  [1234567.891, "$1,234,567.89"],
])("%d is %s", (amount, text) => {
  expect(dollars(microUsd(amount))).toBe(text)
})

test("a range is widened to whole cents, and less than a cent is none", () => {
  expect(dollarRange({ lowest: microUsd(1000.001), highest: microUsd(1000.029) })).toBe("$1,000.00–$1,000.03")
  expect(dollarRange({ lowest: microUsd(1), highest: microUsd(1.009) })).toBe("$1.01")
})

test.each([
  [0, [0]],
  [Number.NaN, [0]],
  [1, [0, 0.25, 0.5, 0.75, 1]],
  [8.3, [0, 2.5, 5, 7.5, 10]],
  [223, [0, 100, 200, 300]],
  [0.0004, [0, 0.0001, 0.0002, 0.0003, 0.0004]],
])("an axis up to %d has the ticks %p", (most, ticks) => {
  expect(roundTicks(most)).toEqual(ticks)
})

test("ticks are few, rise evenly and reach the most, whatever it is", () => {
  for (let most = 0.001; most < 1e6; most *= 1.37) {
    const ticks = roundTicks(most)
    expect(ticks.length).toBeGreaterThan(2)
    expect(ticks.length).toBeLessThanOrEqual(6)
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(most * 0.999999)
  }
  expect(evenPlaces(31, 6)).toEqual([0, 6, 12, 18, 24, 30])
  expect(evenPlaces(0, 6)).toEqual([])
})

describe("the pace", () => {
  const today = 20_000
  const nowUtcMs = utcMsOf(today * msPerDay + 1000)
  const spent = (amount: number) => ({ lowest: microUsd(0), highest: microUsd(amount) })

  test("is the mean of the last seven whole days, today and earlier ones left out", () => {
    const days = new Map([
      [today - 20, spent(1000)],
      [today - 7, spent(7)],
      [today - 1, spent(7)],
      [today, spent(500)],
    ])
    expect(paceOf(days, nowUtcMs)).toEqual({ microUsdPerDay: microUsd(2), days: 7 })
  })

  test("of a course that began three days ago is over three, and of one that began today is none", () => {
    expect(paceOf(new Map([[today - 3, spent(6)]]), nowUtcMs)).toEqual({
      microUsdPerDay: microUsd(2),
      days: 3,
    })
    expect(paceOf(new Map([[today, spent(6)]]), nowUtcMs)).toBeNull()
    expect(paceOf(new Map(), nowUtcMs)).toBeNull()
  })

  test("says when the budget is gone, or that it never is", () => {
    const pace = { microUsdPerDay: microUsd(2), days: 7 }
    expect(goneAt(microUsd(10), pace, nowUtcMs)).toBe(later(nowUtcMs, 5 * msPerDay))
    expect(goneAt(microUsd(1e6), pace, nowUtcMs)).toBeNull()
    expect(goneAt(microUsd(10), { ...pace, microUsdPerDay: microUsdOf(0) }, nowUtcMs)).toBeNull()
    expect(spentIn(30, pace)).toBe(microUsd(60))
  })
})

test.each([
  [79.9, null, "79% of $100.00"],
  [80, "near", "▲ near the end: 80% of $100.00"],
  [99.99, "near", "▲ near the end: 99% of $100.00"],
  [100, "over", "■ used up: 100% of $100.00"],
] as const)("$%d of $100 is marked %p", (spent, warning, text) => {
  expect(budgetMark(one("a", spent))).toBe(warning)
  expect(usedText(one("a", spent))).toBe(text)
})

test("who has no budget, or one of nothing, has a bar without a mark, or a full one", () => {
  expect(budgetMark(one("a", 50, null))).toBeNull()
  expect(budgetMark(one("a", 0, 0))).toBe("over")
  const bars = userBars([one("a", 50, null), one("b", 25, null), one("c", 1, 0)], "All")
  expect(bars).toContain("width:100.0%")
  expect(bars).toContain("width:50.0%")
  expect(bars).not.toMatch(/NaN|Infinity|undefined/)
})

test("a chart of nothing is empty, and names cannot act", () => {
  expect(dayChart("Spending", [], String)).toBe("")
  expect(dayChart("Spending", [{ name: "a", short: "a", lowest: 0, highest: 0 }], String)).toBe("")
  const evil = `<script>alert("1")</script>`
  const bar = { name: evil, short: evil, lowest: 1, highest: 2 }
  for (const html of [
    dayChart(evil, [bar], String),
    userBars([one(evil, 1)], evil),
    userTable([one(evil, 1)]),
  ]) {
    expect(html).not.toContain("<script")
    expect(html).toContain(escapeHtml("<script>"))
  }
})
