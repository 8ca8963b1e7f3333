import { describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { rowReader } from "../../../lib/decisions/reports/cost_export.ts"

const focus = {
  BilledCost: "1.5",
  BillingCurrency: "USD",
  ResourceId: "arn:aws:ec2:us-east-1:123456789012:instance/i-0abc",
  ChargePeriodStart: "2026-09-01T00:00:00Z",
  ChargePeriodEnd: "2026-09-01T01:00:00Z",
  ServiceName: "Amazon Elastic Compute Cloud - Compute",
  ChargeDescription: "$0.096 per On Demand Linux m5.large Instance Hour",
  ChargeCategory: "Usage",
  Tags: '{"ec2-wrappers:owner":"cs61c-aa"}',
}
const cur1 = {
  "lineItem/UnblendedCost": "0.0000001",
  "lineItem/CurrencyCode": "USD",
  "lineItem/ResourceId": "vol-0abc",
  "lineItem/UsageStartDate": "2026-09-01T00:00:00Z",
  "lineItem/UsageEndDate": "2026-09-01T01:00:00Z",
  "lineItem/ProductCode": "AmazonEC2",
  "lineItem/UsageType": "EBS:VolumeUsage.gp3",
  "lineItem/LineItemType": "Usage",
  "resourceTags/user:ec2-wrappers:owner": "cs61c-bb",
}
const cur2 = {
  line_item_unblended_cost: "-2",
  line_item_currency_code: "USD",
  line_item_resource_id: "i-0abc",
  line_item_usage_start_date: "2026-09-01 00:00:00",
  line_item_usage_end_date: "2026-09-01 01:00:00 UTC",
  line_item_product_code: "AmazonEC2",
  line_item_usage_type: "BoxUsage:m5.large",
  line_item_line_item_type: "Usage",
  resource_tags_user_ec2_wrappers_owner: "",
  resource_tags: '{"user_ec2_wrappers_owner":"cs61c-cc"}',
}
const read = (row: Record<string, string>) => rowReader(Object.keys(row))?.(Object.values(row))
const from = Date.parse("2026-09-01T00:00:00Z")

describe("a row of a bill", () => {
  test.each<[what: string, row: Record<string, string>, wanted: Record<string, unknown>]>([
    [
      "FOCUS",
      focus,
      { resourceId: "i-0abc", owner: "cs61c-aa", cost: microUsd(1.5), of: "covered", currency: "USD" },
    ],
    ["CUR 1", cur1, { resourceId: "vol-0abc", owner: "cs61c-bb", cost: microUsd(0), of: "covered" }],
    ["CUR 2", cur2, { resourceId: "i-0abc", owner: "cs61c-cc", cost: microUsd(-2), of: "covered" }],
    ["a tax", { ...focus, ChargeCategory: "Tax" }, { of: "adjustment" }],
    ["a credit of CUR", { ...cur2, line_item_line_item_type: "Credit" }, { of: "adjustment" }],
    [
      "a savings plan's covered usage",
      { ...cur2, line_item_line_item_type: "SavingsPlanCoveredUsage" },
      { of: "reserved" },
    ],
    [
      "transfer, which no bound covers",
      { ...cur2, line_item_usage_type: "DataTransfer-Out-Bytes" },
      { of: "other" },
    ],
    ["CPU credits", { ...cur2, line_item_usage_type: "CPUCredits:t3" }, { of: "other" }],
    ["EC2 without ids", { ...cur2, line_item_resource_id: "" }, { of: "nameless", resourceId: "" }],
    [
      "another service without ids",
      { ...cur2, line_item_resource_id: "", line_item_product_code: "AmazonS3" },
      { of: "other" },
    ],
    ["a bucket", { ...focus, ResourceId: "arn:aws:s3:::cs61c" }, { of: "other", resourceId: "cs61c" }],
    [
      "a network interface's address",
      { ...cur2, line_item_resource_id: "eni-0abc" },
      { isAddress: true, of: "covered" },
    ],
    [
      "an instance's address",
      { ...cur2, line_item_usage_type: "USE1-PublicIPv4:InUseAddress" },
      { isAddress: true },
    ],
    ["an instance itself", cur2, { isAddress: false }],
    [
      "a savings plan's fee",
      { ...cur2, line_item_line_item_type: "SavingsPlanRecurringFee" },
      { of: "commitment" },
    ],
    ["FOCUS's reserved usage", { ...focus, CommitmentDiscountId: "sp-1" }, { of: "reserved" }],
    [
      "tags as Athena writes a map",
      { ...focus, Tags: "{a=b, c, user_ec2_wrappers_owner=cs61c-dd}" },
      { owner: "cs61c-dd" },
    ],
    [
      "tags as a list",
      { ...focus, Tags: '[{"key":"ec2-wrappers:course","value":"cs61c"}]' },
      { owner: "", course: "cs61c" },
    ],
    ["tags that are not JSON", { ...focus, Tags: "{" }, { owner: "" }],
    ["tags that are no object", { ...focus, Tags: "null" }, { owner: "" }],
  ])("%s", (_, row, wanted) => {
    expect(read(row)).toMatchObject(wanted)
  })

  test("times are read as UTC, with and without a zone", () => {
    for (const row of [focus, cur1, cur2]) {
      const { fromUtcMs, toUtcMs } = read(row) ?? {}
      expect([Number(fromUtcMs), Number(toUtcMs)]).toEqual([from, from + 3_600_000])
    }
    expect(Number(read({ ...cur2, line_item_usage_start_date: "2026-09-01" })?.fromUtcMs)).toBe(from)
  })

  test.each([
    ["no cost", { ...focus, BilledCost: "" }],
    ["a cost that is none", { ...focus, BilledCost: "free" }],
    ["no start", { ...focus, ChargePeriodStart: "" }],
    ["a start that is none", { ...focus, ChargePeriodStart: "soon" }],
  ])("%s is no row", (_, row) => {
    expect(read(row)).toBeNull()
  })

  test("without an end it ends where it starts", () => {
    expect(Number(read({ ...focus, ChargePeriodEnd: "" })?.toUtcMs)).toBe(from)
  })
})

test("columns of no export are none", () => {
  expect(rowReader(["BilledCost", "date"])).toBeNull()
  expect(rowReader([])).toBeNull()
})
