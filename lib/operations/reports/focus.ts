/** Charges with the columns of FOCUS 1.2 (https://focus.finops.org), for whatever reads cloud bills. One row per calendar month. */

import type { Config } from "../../base/config.ts"
import { type MicroUsd, microUsdPerUsd, noMicroUsd, toUsd } from "../../base/money.ts"
import { earliestOf, isoUtc, latestOf, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { Range, Tariff } from "../../decisions/pricing/costs.ts"
import type { Charge } from "../../decisions/reports/charge.ts"
import { csvRow } from "../../decisions/reports/csv_row.ts"
import { charges } from "./charges.ts"
import type { Scope } from "./days.ts"

interface Row {
  charge: Charge
  /** The calendar month that it is billed in. */
  month: Range
  period: Range
  course: string
}

type Column = [name: string, value: (row: Row) => string | number]

const usd = (amount: MicroUsd | undefined) => (amount === undefined ? "" : toUsd(amount))
/** Costs must not be null: what has no price costs nothing here, and x_PriceSource says that it is unpriced. */
const cost: Column[1] = ({ charge }) => usd(charge.cost?.highest ?? noMicroUsd)
/** One list price is one SKU of ours. */
const sku: Column[1] = ({ charge }) =>
  [charge.region, charge.what, charge.usageOperation, charge.market].join("/")
/** Times the hours it must be the cost: where one price does not tell (spot, a change of price, a free hour) it is their mean. */
const unitPrice: Column[1] = ({ charge: { cost, hours, microUsdPerHour } }) => {
  const total = cost?.highest ?? 0
  if (microUsdPerHour !== null && Math.abs(microUsdPerHour * hours - total) <= 1)
    return toUsd(microUsdPerHour)
  return hours > 0 ? total / hours / microUsdPerUsd : 0
}
const hours: Column[1] = ({ charge }) => charge.hours
const services = {
  instance: ["Amazon Elastic Compute Cloud", "Compute", "Virtual Machines"],
  launch: ["Amazon Elastic Compute Cloud", "Compute", "Virtual Machines"],
  address: ["Amazon Virtual Private Cloud", "Networking", "Network Infrastructure"],
  volume: ["Amazon Elastic Block Store", "Storage", "Block Storage"],
  snapshot: ["Amazon Elastic Block Store", "Storage", "Backup Storage"],
} as const

/** In the order of the specification; ours begin with `x_`. What we cannot know is null, which is an empty field. */
const columns: Column[] = [
  ["AvailabilityZone", ({ charge }) => charge.zone],
  ["BilledCost", cost],
  ["BillingAccountId", ({ course }) => course],
  ["BillingAccountName", ({ course }) => course],
  ["BillingAccountType", () => "Course"],
  ["BillingCurrency", () => "USD"],
  ["BillingPeriodEnd", ({ month }) => isoUtc(month.toUtcMs)],
  ["BillingPeriodStart", ({ month }) => isoUtc(month.fromUtcMs)],
  ["ChargeCategory", () => "Usage"],
  ["ChargeClass", () => ""],
  ["ChargeDescription", ({ charge }) => `${charge.what} (${charge.market}), ${charge.kind} ${charge.id}`],
  ["ChargeFrequency", () => "Usage-Based"],
  ["ChargePeriodEnd", ({ period }) => isoUtc(period.toUtcMs)],
  ["ChargePeriodStart", ({ period }) => isoUtc(period.fromUtcMs)],
  ["ConsumedQuantity", hours],
  ["ConsumedUnit", () => "Hours"],
  ["ContractedCost", cost],
  ["ContractedUnitPrice", unitPrice],
  ["EffectiveCost", cost],
  ["InvoiceId", () => ""],
  ["InvoiceIssuerName", () => "Amazon Web Services"],
  ["ListCost", cost],
  ["ListUnitPrice", unitPrice],
  ["PricingCategory", ({ charge }) => (charge.market === "spot" ? "Dynamic" : "Standard")],
  ["PricingCurrency", () => "USD"],
  ["PricingQuantity", hours],
  ["PricingUnit", () => "Hours"],
  ["ProviderName", () => "Amazon Web Services"],
  ["PublisherName", () => "Amazon Web Services"],
  ["RegionId", ({ charge }) => charge.region],
  ["RegionName", ({ charge }) => charge.region],
  ["ResourceId", ({ charge }) => charge.id],
  ["ResourceName", ({ charge }) => charge.id],
  ["ResourceType", ({ charge }) => charge.kind],
  ["ServiceCategory", ({ charge }) => services[charge.kind][1]],
  ["ServiceName", ({ charge }) => services[charge.kind][0]],
  ["ServiceSubcategory", ({ charge }) => services[charge.kind][2]],
  ["SkuId", sku],
  ["SkuMeter", ({ charge }) => `${charge.kind} hours`],
  ["SkuPriceId", sku],
  ["SubAccountId", ({ charge }) => charge.login],
  ["SubAccountName", ({ charge }) => charge.login],
  ["SubAccountType", ({ charge }) => (charge.login ? "Login" : "")],
  ["Tags", ({ charge }) => JSON.stringify(charge.login ? { "ec2-wrappers:owner": charge.login } : {})],
  ["x_LowestCost", ({ charge }) => usd(charge.cost?.lowest)],
  ["x_HighestCost", cost],
  ["x_StartEvidence", ({ charge }) => charge.start.evidence],
  ["x_EndEvidence", ({ charge }) => charge.end?.evidence ?? ""],
  ["x_PriceSource", ({ charge }) => charge.priceSource ?? "unpriced"],
]

export function* focusLines(
  usageDb: UsageDb,
  tariff: Tariff,
  config: Config,
  scope: Scope,
): Generator<string> {
  yield csvRow(columns.map(([name]) => name))
  const { range, nowUtcMs } = scope
  const first = usageDb.ledger.firstStart() ?? nowUtcMs
  const end = earliestOf(range.toUtcMs, nowUtcMs)
  for (
    let month = monthOf(latestOf(range.fromUtcMs, first));
    month.fromUtcMs < end;
    month = monthOf(month.toUtcMs)
  ) {
    const within = {
      fromUtcMs: latestOf(month.fromUtcMs, range.fromUtcMs),
      toUtcMs: earliestOf(month.toUtcMs, range.toUtcMs),
    }
    for (const charge of charges(usageDb, tariff, { ...scope, range: within })) {
      const period = {
        fromUtcMs: latestOf(charge.start.earliestUtcMs, within.fromUtcMs),
        toUtcMs: earliestOf(charge.end?.latestUtcMs ?? nowUtcMs, within.toUtcMs),
      }
      const row = { charge, month, period, course: config.course.name }
      yield csvRow(columns.map(([, value]) => value(row)))
    }
  }
}

function monthOf(utcMs: UtcMs): Range {
  const date = new Date(utcMs)
  const start = (months: number) => utcMsOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1))
  return { fromUtcMs: start(0), toUtcMs: start(1) }
}
