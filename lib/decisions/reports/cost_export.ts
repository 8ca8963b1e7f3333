/** A row of AWS's own bill, read from a Cost and Usage Report (1 or 2) or a FOCUS export. */

import { tagOf } from "../../base/instance.ts"
import { type MicroUsd, microUsd } from "../../base/money.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"

export interface BilledRow {
  /** The instance's, volume's or address's id, without an ARN around it; "" where the bill names none. */
  resourceId: string
  /** From the owner tag; "" where the bill has none. */
  owner: string
  cost: MicroUsd
  /** "" where the bill does not say. */
  currency: string
  fromUtcMs: UtcMs
  toUtcMs: UtcMs
  of: BilledFor
  /** An instance's public address, which AWS bills by a network interface. */
  isAddress: boolean
}

/**
 * `covered` by our bound; `nameless`: of EC2, in an export without the ids of resources; `adjustment`: a tax, credit, refund or
 * correction, which is of no usage; `other`: another service, or transfer.
 */
export type BilledFor = "covered" | "nameless" | "adjustment" | "other"

/** The columns of a kind of export, as they are named in it. */
interface Form {
  cost: string
  currency: string
  resource: string
  from: string
  to: string
  service: string
  usage: string
  /** What kind of line it is: usage, tax, credit … */
  category: string
  /** A column for the owner's tag, or one with all tags as JSON. */
  ownerTags: string[]
  tags: string
}

const forms: Form[] = [
  {
    ...{ cost: "BilledCost", resource: "ResourceId", from: "ChargePeriodStart", to: "ChargePeriodEnd" },
    ...{ service: "ServiceName", usage: "ChargeDescription", ownerTags: [], tags: "Tags" },
    ...{ category: "ChargeCategory", currency: "BillingCurrency" },
  },
  {
    ...{ cost: "lineItem/UnblendedCost", resource: "lineItem/ResourceId", from: "lineItem/UsageStartDate" },
    ...{ to: "lineItem/UsageEndDate", service: "lineItem/ProductCode", usage: "lineItem/UsageType" },
    ...{ ownerTags: [`resourceTags/user:${tagOf.owner}`], tags: "" },
    ...{ category: "lineItem/LineItemType", currency: "lineItem/CurrencyCode" },
  },
  {
    ...{
      cost: "line_item_unblended_cost",
      resource: "line_item_resource_id",
      from: "line_item_usage_start_date",
    },
    ...{ to: "line_item_usage_end_date", service: "line_item_product_code", usage: "line_item_usage_type" },
    ...{ ownerTags: ["resource_tags_user_ec2_wrappers_owner"], tags: "resource_tags" },
    ...{ category: "line_item_line_item_type", currency: "line_item_currency_code" },
  },
]

/** What reads rows with these columns; null where no export has them. */
export function rowReader(
  columns: readonly string[],
): ((row: Record<string, string>) => BilledRow | null) | null {
  const form = forms.find(({ cost, from }) => columns.includes(cost) && columns.includes(from))
  return form ? (row) => readRow(form, row) : null
}

/** CUR's line item types and FOCUS's charge categories, those that are of no usage. */
const adjustments =
  /^(Tax|Credit|Refund|Adjustment|Discount|BundledDiscount|EdpDiscount|PrivateRateDiscount|Fee|RIFee|SavingsPlan(Negation|\w+Fee))$/

function readRow(form: Form, row: Record<string, string>): BilledRow | null {
  const cost = Number(row[form.cost])
  const fromUtcMs = parseTime(row[form.from])
  if (row[form.cost] === "" || !Number.isFinite(cost) || Number.isNaN(fromUtcMs)) return null
  const toUtcMs = parseTime(row[form.to])
  const resourceId = (row[form.resource] ?? "").replace(/^arn:.*[/:]/, "")
  const usage = `${row[form.service] ?? ""} ${row[form.usage] ?? ""}`
  return {
    ...{ resourceId, owner: ownerIn(form, row), cost: microUsd(cost), fromUtcMs },
    currency: row[form.currency] ?? "",
    toUtcMs: Number.isNaN(toUtcMs) ? fromUtcMs : toUtcMs,
    isAddress: /^eni-/.test(resourceId) || (/^i-/.test(resourceId) && /public ?ipv4/i.test(usage)),
    of: adjustments.test(row[form.category] ?? "") ? "adjustment" : usageOf(resourceId, usage),
  }
}

function usageOf(resourceId: string, usage: string): BilledFor {
  if (/Data ?Transfer|CPU ?Credits|LoadBalancer/i.test(usage)) return "other"
  if (/^(i|vol|snap|eipalloc|eni)-/.test(resourceId)) return "covered"
  return resourceId === "" && /^Amazon ?(EC2|Elastic Compute Cloud)\b/i.test(usage) ? "nameless" : "other"
}

/** `2026-09-01T00:00:00Z`, also without the zone and with a space, as exports have it. */
function parseTime(text: string | undefined): UtcMs {
  if (!text) return utcMsOf(Number.NaN)
  const iso = text.trim().replace(" UTC", "").replace(" ", "T")
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso.length === 10 ? `${iso}T00:00:00` : iso}Z`
  return utcMsOf(Date.parse(zoned))
}

function ownerIn(form: Form, row: Record<string, string>): string {
  for (const column of form.ownerTags) if (row[column]) return row[column]
  try {
    const tags: unknown = JSON.parse(row[form.tags] || "{}")
    if (typeof tags !== "object" || tags === null) return ""
    const found = Object.entries(tags).find(
      ([key]) =>
        key === tagOf.owner ||
        key === `user_${tagOf.owner.replace(/\W/g, "_")}` ||
        key === `user:${tagOf.owner}`,
    )
    return typeof found?.[1] === "string" ? found[1] : ""
  } catch {
    return ""
  }
}
