/** A row of AWS's own bill, read from a Cost and Usage Report (1 or 2) or a FOCUS export. */

import { type MicroUsd, microUsd } from "../../base/money.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import { type BilledTags, tagColumns } from "./bill_tags.ts"

export interface BilledRow extends BilledTags {
  /** The instance's, volume's, interface's or address's id, without an ARN around it; "" where the bill names none. */
  resourceId: string
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
 * `covered` by our bound; `reserved`: usage that a reservation or savings plan pays for; `commitment`: the fee of one, and what it
 * takes back; `nameless`: of EC2, in an export without the ids of resources; `adjustment`: a tax, credit, refund or correction;
 * `other`: another service, or transfer.
 */
export type BilledFor = "covered" | "reserved" | "commitment" | "nameless" | "adjustment" | "other"

/** The columns of a kind of export, in lower case: Athena writes them so. */
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
  /** FOCUS's id of a reservation or savings plan; "" in the other forms. */
  commitment: string
}

const forms: Form[] = [
  {
    cost: "billedcost",
    currency: "billingcurrency",
    resource: "resourceid",
    from: "chargeperiodstart",
    to: "chargeperiodend",
    service: "servicename",
    usage: "chargedescription",
    category: "chargecategory",
    commitment: "commitmentdiscountid",
  },
  {
    cost: "lineitem/unblendedcost",
    currency: "lineitem/currencycode",
    resource: "lineitem/resourceid",
    from: "lineitem/usagestartdate",
    to: "lineitem/usageenddate",
    service: "lineitem/productcode",
    usage: "lineitem/usagetype",
    category: "lineitem/lineitemtype",
    commitment: "",
  },
  {
    cost: "line_item_unblended_cost",
    currency: "line_item_currency_code",
    resource: "line_item_resource_id",
    from: "line_item_usage_start_date",
    to: "line_item_usage_end_date",
    service: "line_item_product_code",
    usage: "line_item_usage_type",
    category: "line_item_line_item_type",
    commitment: "",
  },
]

/** A reader of the cells of a row below this header; null where no export has these columns. */
export function rowReader(
  header: readonly string[],
): ((cells: readonly string[]) => BilledRow | null) | null {
  const columns = header.map((name) => name.trim().toLowerCase())
  const form = forms.find(({ cost, from }) => columns.includes(cost) && columns.includes(from))
  if (!form) return null
  const tagsOf = tagColumns(columns)
  return (cells) => {
    const row = Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""]))
    return readRow(form, row, tagsOf(row))
  }
}

/** CUR's line item types and FOCUS's charge categories: https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html */
const adjustments =
  /^(Tax|Credit|Refund|Adjustment|Discount|BundledDiscount|EdpDiscount|PrivateRateDiscount|Fee)$/
const commitments = /^(RIFee|SavingsPlan(Negation|\w+Fee)|Purchase)$/
const reserved = /^(DiscountedUsage|SavingsPlanCoveredUsage)$/

function readRow(form: Form, row: Record<string, string>, tags: BilledTags): BilledRow | null {
  const text = row[form.cost] ?? ""
  const cost = Number(text)
  const fromUtcMs = parseTime(row[form.from])
  if (text.trim() === "" || !Number.isFinite(cost) || Number.isNaN(fromUtcMs)) return null
  const toUtcMs = parseTime(row[form.to])
  const resourceId = (row[form.resource] ?? "").replace(/^arn:.*[/:]/, "")
  const usage = `${row[form.service] ?? ""} ${row[form.usage] ?? ""}`
  return {
    ...tags,
    resourceId,
    cost: microUsd(cost),
    currency: row[form.currency] ?? "",
    fromUtcMs,
    toUtcMs: Number.isNaN(toUtcMs) ? fromUtcMs : toUtcMs,
    isAddress: /^eni-/.test(resourceId) || (/^i-/.test(resourceId) && /public ?ipv4/i.test(usage)),
    of: billedFor(row[form.category] ?? "", (row[form.commitment] ?? "") !== "", resourceId, usage),
  }
}

function billedFor(category: string, isCommitted: boolean, resourceId: string, usage: string): BilledFor {
  if (commitments.test(category)) return "commitment"
  if (adjustments.test(category)) return "adjustment"
  const of = usageOf(resourceId, usage)
  return of === "covered" && (isCommitted || reserved.test(category)) ? "reserved" : of
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
  return utcMsOf(
    Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso.length === 10 ? `${iso}T00:00:00` : iso}Z`),
  )
}
