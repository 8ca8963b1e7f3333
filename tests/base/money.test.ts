import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { costOf, costRoundedUp, microUsd, microUsdOf, usd } from "../../lib/base/money.ts"

describe("micro-dollars", () => {
  test.each([
    [12_400_000, "$12.40"],
    [85_000, "$0.085"],
    [11_600, "$0.0116"],
    [0, "$0.00"],
    [-1_500_000, "-$1.50"],
    [1, "$0.000001"],
    [5_100_000, "$5.10"],
  ])("%d reads %s", (amount, text) => expect(usd(microUsdOf(amount))).toBe(text))

  test("an hour costs the hourly price", () =>
    expect(costOf(microUsdOf(85_000), 3_600_000)).toBe(microUsdOf(85_000)))

  test("a reservation is never less than the cost, and at most one micro-dollar more", () => {
    fc.assert(
      fc.property(fc.nat(500_000_000), fc.nat(100 * 86_400_000), (price, ms) => {
        const difference = costRoundedUp(microUsdOf(price), ms) - costOf(microUsdOf(price), ms)
        expect(difference === 0 || difference === 1).toBe(true)
      }),
    )
  })

  test("decimal dollars survive the way there and back", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000_000), (amount) => {
        expect(microUsd(Number(usd(microUsdOf(amount)).slice(1)))).toBe(microUsdOf(amount))
      }),
    )
  })
})
