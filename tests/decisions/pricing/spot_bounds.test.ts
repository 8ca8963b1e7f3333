import { describe, expect, test } from "bun:test"
import { microUsd, microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { costOfRun, type Tariff } from "../../../lib/decisions/pricing/costs.ts"
import type { KeptPrice } from "../../../lib/decisions/pricing/prices.ts"
import { exactly, type Run } from "../../../lib/decisions/usage/runs.ts"

const hour = 3_600_000
const begin = utcMsOf(Date.UTC(2026, 10, 22, 12))
const onDemand = microUsd(0.1)

function tariff(spotFactor: number, history: KeptPrice[] = []): Tariff {
  const book = { overrides: { "m1.small": onDemand }, spotFactor, kept: () => [], spot: () => history }
  return { book, billing: { granularity: "second", minimumMs: 60_000 }, fingerprint: "" }
}

/** An hour of spot whose start and end are known. */
const run: Run = {
  ...{ instanceId: "i-1", login: "cs61c-ab", instanceType: "m1.small", market: "spot", region: "us-east-1" },
  ...{ zone: "us-east-1a", usageOperation: "", publicIpv4: false, seenUtcMs: begin, endedByEc2: false },
  start: exactly(begin, "observed"),
  end: exactly(utcMsOf(begin + hour), "observed"),
}
const now = utcMsOf(begin + 2 * hour)
const price = (at: number, usd: number): KeptPrice => ({
  fromUtcMs: utcMsOf(at),
  microUsdPerHour: microUsd(usd),
})

describe("an hour of spot costs", () => {
  test("at the most what was sent as the maximum where its prices are not known", () => {
    expect(costOfRun(tariff(0.7), run, now)).toEqual({ lowest: microUsd(0.07), highest: microUsd(0.1) })
  })

  test("exactly its history where that is known", () => {
    const history = [price(begin - hour, 0.03), price(begin + hour / 2, 0.05)]
    expect(costOfRun(tariff(0.7, history), run, now)).toEqual({
      lowest: microUsd(0.04),
      highest: microUsd(0.04),
    })
  })

  test("the bounds for the part before the first known price, and the price from then on", () => {
    expect(costOfRun(tariff(0.7, [price(begin + hour / 2, 0.05)]), run, now)).toEqual({
      lowest: microUsd(0.06),
      highest: microUsd(0.075),
    })
  })

  test("what the factor says where that is above the on-demand price", () => {
    expect(costOfRun(tariff(1.5), run, now)).toEqual({ lowest: microUsd(0.15), highest: microUsd(0.15) })
  })

  test("as the old tools' rows always did, the factor", () => {
    expect(costOfRun(tariff(0.7), { ...run, isOld: true }, now)).toEqual({
      lowest: microUsd(0.07),
      highest: microUsd(0.07),
    })
  })

  test("between nothing and the maximum where EC2 may have taken it back within the hour", () => {
    const short = { ...run, end: exactly(utcMsOf(begin + hour / 2), "observed"), endedByEc2: null }
    expect(costOfRun(tariff(0.7), short, now)).toEqual({ lowest: microUsdOf(0), highest: microUsd(0.05) })
  })
})
