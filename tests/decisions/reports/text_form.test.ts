import { expect, test } from "bun:test"
import { microUsdOf } from "../../../lib/base/money.ts"
import { amountOf, amountRange } from "../../../lib/decisions/reports/text_form.ts"

test.each([
  [{ lowest: microUsdOf(66_000), highest: microUsdOf(174_000) }, "$0.06–$0.18"],
  [{ lowest: microUsdOf(60_000), highest: microUsdOf(170_000) }, "$0.06–$0.17"],
  [{ lowest: microUsdOf(0), highest: microUsdOf(10_000) }, "$0.00–$0.01"],
  [{ lowest: microUsdOf(12_400_001), highest: microUsdOf(12_709_999) }, "$12.40–$12.71"],
])("a range in whole cents holds what lies in %j", (cost, text) => {
  expect([amountOf(cost), amountRange(cost)]).toEqual([text, text])
})

test("what is known to less than a cent is one figure", () => {
  const cost = { lowest: microUsdOf(66_000), highest: microUsdOf(69_000) }
  expect([amountOf(cost), amountRange(cost)]).toEqual(["$ 0.069", "$0.07"])
})

test.each([
  [62_500, "$ 0.062"],
  [187_500, "$ 0.188"],
  [312_500, "$ 0.312"],
  [2_562_500, "$ 2.562"],
  [500, "$ 0.001"],
  [59_500, "$ 0.059"],
])("%d micro-dollars are printed as C's printf does", (amount, text) => {
  expect(amountOf({ lowest: microUsdOf(amount), highest: microUsdOf(amount) })).toBe(text)
})
