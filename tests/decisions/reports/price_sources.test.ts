import { describe, expect, test } from "bun:test"
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { always } from "../../../lib/decisions/pricing/costs.ts"
import { onDemandPrice, type PriceBook } from "../../../lib/decisions/pricing/prices.ts"
import { chargeOfFlatRate } from "../../../lib/decisions/reports/charge.ts"

const book: PriceBook = { overrides: {}, spotFactor: 0.7, kept: () => [], spot: () => [] }
const kept = [{ fromUtcMs: utcMsOf(0), microUsdPerHour: microUsdOf(1_000_000) }]
const offer = (instanceType: string) => ({ instanceType, region: "us-east-1", usageOperation: "" })

describe("what is not AWS's own figure says so", () => {
  test("a type that AWS lists no more is an estimate, unless the price list or the config knows it", () => {
    expect(onDemandPrice(book, offer("m5.large"), utcMsOf(1))?.source).toBe("embedded")
    expect(onDemandPrice(book, offer("cc2.8xlarge"), utcMsOf(1))?.source).toBe("estimate")
    expect(onDemandPrice({ ...book, kept: () => kept }, offer("cc2.8xlarge"), utcMsOf(1))?.source).toBe(
      "price list",
    )
    expect(
      onDemandPrice(
        { ...book, overrides: { "cc2.8xlarge": microUsdOf(1) } },
        offer("cc2.8xlarge"),
        utcMsOf(1),
      )?.source,
    ).toBe("config")
  })

  test("a volume outside us-east-1 is an estimate", () => {
    const sourceIn = (region: string) =>
      chargeOfFlatRate(
        {
          ...{ flatRateId: "vol-1", kind: "volume", login: "cs61c-ab", region, description: "gp3 8 GiB" },
          ...{
            microUsdPerHour: microUsdOf(889),
            startEarliestUtcMs: utcMsOf(0),
            startLatestUtcMs: utcMsOf(0),
            seenUtcMs: utcMsOf(1),
          },
          ...{ endEarliestUtcMs: null, endLatestUtcMs: null, goesWithInstance: "" },
        },
        utcMsOf(3_600_000),
        always,
      ).priceSource
    expect(["us-east-1", "us-west-2", "af-south-1"].map(sourceIn)).toEqual([
      "embedded",
      "estimate",
      "estimate",
    ])
  })
})
