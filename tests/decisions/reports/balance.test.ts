/** Spending beside budgets. */
import { describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import {
  type Balance,
  balanceCsv,
  balanceLines,
  leftOf,
  shareUsed,
  sortedBalances,
} from "../../../lib/decisions/reports/balance.ts"

const one = (login: string, spent: number, budget: number | null = 100, unpriced = 0): Balance => {
  const amount = budget === null ? null : microUsd(budget)
  const bounds = { lowest: microUsd(spent), highest: microUsd(spent) }
  return {
    login,
    ...bounds,
    unpriced,
    isEstimate: false,
    budget: amount,
    left: leftOf(amount, bounds.highest),
  }
}
const all = [one("b", 5), one("", 50, null), one("c", 30, 20), one("a", 5, null), one("d", 70)]

describe("sorted balances", () => {
  test.each([
    ["spent", ["d", "", "c", "a", "b"]],
    ["left", ["c", "d", "b", "a", ""]],
    ["login", ["a", "b", "c", "d", ""]],
  ] as const)("by %s", (by, logins) => {
    expect(sortedBalances(all, by).map(({ login }) => login)).toEqual([...logins])
  })
})

test("a budget that is overspent has nothing left, and one of nothing is all used", () => {
  expect(all.map(shareUsed)).toEqual([0.05, null, 1, null, 0.7])
  expect(shareUsed(one("e", 0, 0))).toBe(1)
})

test("lines keep the form of ALL, with budgets behind; --top says how many are left out, and sums all", () => {
  expect(balanceLines(sortedBalances(all, "left"), 3)).toEqual([
    "c                    $30.000  100% of $20.00, $0.00 left",
    "d                    $70.000  70% of $100.00, $30.00 left",
    "b                    $ 5.000  5% of $100.00, $95.00 left",
    "... and 2 users more",
    "(sum = $160.000)",
  ])
  expect(balanceLines([one("a", 1, null, 2)], null)[0]).toBe(
    "a                    $ 1.000 and 2 unpriced  no budget",
  )
})

test("CSV has empty cells where there is no budget, and harmless names", () => {
  expect([...balanceCsv([one("=cmd", 5), one("a", 1, null)])]).toEqual([
    "user,lowest_usd,highest_usd,unpriced,budget_usd,left_usd",
    "'=cmd,5,5,0,100,95",
    "a,1,1,0,,",
  ])
})
