/** The columns of FOCUS 1.2 as the specification defines them: https://focus.finops.org/focus-specification/v1-2/ */

import { expect, test } from "bun:test"
import { parse } from "csv-parse/sync"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, msPerMinute, utcMsOf } from "../../../lib/base/time.ts"
import { between, exactly, type Run } from "../../../lib/decisions/usage/runs.ts"
import { focusLines } from "../../../lib/operations/reports/focus.ts"
import { newLedger, plainRules } from "../../support/ledger.ts"

const allowed: Record<string, readonly string[]> = {
  ChargeCategory: ["Usage"],
  ChargeClass: [""],
  ChargeFrequency: ["Usage-Based"],
  PricingCategory: ["Standard", "Dynamic"],
  BillingCurrency: ["USD"],
  PricingCurrency: ["USD"],
  ServiceCategory: ["Compute", "Networking", "Storage"],
  ServiceSubcategory: ["Virtual Machines", "Network Infrastructure", "Block Storage", "Backup Storage"],
}
const mandatory = [
  ...["BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"],
  ...["BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"],
  ...["ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost"],
  ...["PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"],
]
/** Of usage, when it is no correction. */
const notNull = [
  ...mandatory.filter((name) => name !== "ChargeClass"),
  ...["ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "ListUnitPrice", "PricingCategory"],
  ...["ResourceId", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId", "RegionId"],
]
const decimals = [
  ...["BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "ContractedUnitPrice", "ListUnitPrice"],
  ...["PricingQuantity", "ConsumedQuantity"],
]
const times = ["BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"]

const start = utcMsOf(Date.UTC(2026, 8, 30, 20, 20))
const nowUtcMs = utcMsOf(Date.UTC(2026, 9, 2))
const offer = {
  ...{ login: "cs61c-ab", instanceType: "m1.small", market: "on-demand" as const, region: "us-east-1" },
  ...{ zone: "us-east-1a", usageOperation: "RunInstances", publicIpv4: true as boolean | null },
  ...{ seenUtcMs: start, endedByEc2: false as boolean | null },
}

test.each(["second", "hour"] as const)(
  "every row of usage by the %s is as FOCUS 1.2 wants it",
  (granularity) => {
    const db = newLedger()
    const rules = { ...plainRules, billing: { granularity, minimumMs: 60_000 } }
    const end = exactly(utcMsOf(start + 9.3 * msPerHour), "reason")
    const runs: Partial<Run>[] = [
      { end },
      {
        end: between(utcMsOf(start + msPerHour), utcMsOf(start + 10 * msPerHour), "vanished"),
        publicIpv4: null,
      },
      { end: null },
      { end, instanceType: "m5.large" },
      { end, instanceType: "t3.micro", market: "spot" },
      { end: exactly(utcMsOf(start + 10 * msPerMinute), "reason"), market: "spot", endedByEc2: true },
      { end, instanceType: "unheard.of", login: "" },
      { end: exactly(start, "observed") },
    ]
    db.transaction(() => {
      runs.forEach((run, index) => {
        const whole = { ...offer, instanceId: `i-${index}`, start: exactly(start, "observed"), ...run }
        db.ledger.addRun(null, whole as Run)
      })
      const list = { instanceType: "m5.large", usageOperation: "RunInstances" }
      db.prices.keepList(
        "us-east-1",
        [{ ...list, microUsdPerHour: microUsdOf(96_000) }],
        utcMsOf(start - msPerHour),
      )
      db.prices.keepList(
        "us-east-1",
        [{ ...list, microUsdPerHour: microUsdOf(90_000) }],
        utcMsOf(start + msPerHour),
      )
      const spot = { zone: "us-east-1a", instanceType: "t3.micro", usageOperation: "RunInstances" }
      db.prices.keepSpot([
        { ...spot, microUsdPerHour: microUsdOf(3000), fromUtcMs: utcMsOf(start - msPerHour) },
        { ...spot, microUsdPerHour: microUsdOf(4100), fromUtcMs: utcMsOf(start + 2 * msPerHour) },
      ])
      db.ledger.flatRates.put({
        ...{
          flatRateId: "vol-1",
          kind: "volume",
          login: "cs61c-ab",
          region: "us-east-1",
          goesWithInstance: "",
        },
        ...{ description: "gp3 8 GiB", microUsdPerHour: microUsdOf(889), seenUtcMs: nowUtcMs },
        ...{
          startEarliestUtcMs: start,
          startLatestUtcMs: start,
          endEarliestUtcMs: null,
          endLatestUtcMs: null,
        },
      })
    })
    const config = { course: { name: "cs61c" } } as Parameters<typeof focusLines>[2]
    const range = { fromUtcMs: utcMsOf(Number.NEGATIVE_INFINITY), toUtcMs: utcMsOf(Number.POSITIVE_INFINITY) }
    const lines = [...focusLines(db, db.prices.tariff(rules), config, { login: null, range, nowUtcMs })]
    const rows = parse(lines.join("\n"), { columns: true }) as Record<string, string>[]
    expect(rows.length).toBeGreaterThan(20)
    const wrong = rows.flatMap((row) => {
      const number = (name: string) => Number(row[name])
      const product = number("ListUnitPrice") * number("PricingQuantity")
      const day = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
      const rules: [rule: string, holds: boolean][] = [
        ...mandatory.map((name): [string, boolean] => [`${name} is there`, row[name] !== undefined]),
        ...notNull.map((name): [string, boolean] => [`${name} is not null`, row[name] !== ""]),
        ...decimals.map((name): [string, boolean] => [`${name} is decimal`, number(name) >= 0]),
        ...times.map((name): [string, boolean] => [`${name} is a time`, day.test(row[name] ?? "")]),
        ...Object.entries(allowed).map(([name, values]): [string, boolean] => [
          `${name} is allowed`,
          values.includes(row[name] ?? "?"),
        ]),
        ["ours begin with x_", Object.keys(row).every((name) => /^(x_)?[A-Z][A-Za-z0-9]*$/.test(name))],
        ["list price times quantity is list cost", Math.abs(product - number("ListCost")) < 2e-6],
        [
          "contracted is list",
          row.ContractedUnitPrice === row.ListUnitPrice && row.ContractedCost === row.ListCost,
        ],
        ["the charge ends in its month", (row.ChargePeriodEnd ?? "") <= (row.BillingPeriodEnd ?? "")],
        ["the charge begins in its month", (row.ChargePeriodStart ?? "") >= (row.BillingPeriodStart ?? "")],
        ["the type goes with the sub account", (row.SubAccountId === "") === (row.SubAccountType === "")],
        ["tags are JSON", typeof JSON.parse(row.Tags ?? "") === "object"],
      ]
      return rules
        .filter(([, holds]) => !holds)
        .map(([rule]) => `${row.ResourceId} ${row.ChargePeriodStart}: ${rule}`)
    })
    expect(wrong).toEqual([])
  },
)
