/** AWS's bill in the forms in which it is delivered, beside ours. */
import { afterEach, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { putOldDatabase } from "../../support/old_database.ts"
import { type Workspace, workspace } from "../../support/tools.ts"

let course: Workspace
beforeEach(() => {
  course = workspace({ endpoint: "http://127.0.0.1:9" }) // nothing listens there
  putOldDatabase(course)
})
afterEach(() => course.remove())

async function reconciled(bill: string | Uint8Array) {
  const path = join(course.directory, "bill")
  await Bun.write(path, bill)
  const { stdout, stderr, code } = await course.run("usage_report", ["--reconcile", path, "--json"])
  expect([stderr, code]).toEqual(["", 0])
  const { users } = JSON.parse(stdout) as { users: { user: string; aws_usd: number; because: string[] }[] }
  return new Map(users.map(({ user, ...found }) => [user, found]))
}

const when = ["2026-11-01 00:00:00.000", "2026-11-02 00:00:00.000"]
const cur2 = [
  "line_item_line_item_description,line_item_usage_end_date,line_item_usage_start_date,line_item_line_item_type,line_item_product_code,line_item_resource_id,line_item_usage_type,line_item_unblended_cost,resource_tags,a_new_column",
  `"per ""hour"",\nLinux",${when[1]},${when[0]},Usage,AmazonEC2,i-0aa,BoxUsage,1.25,"{""user_ec2_wrappers_owner"": ""cs61c-aa""}",x`,
  `credit,${when[1]},${when[0]},Credit,AmazonEC2,i-0aa,BoxUsage,-0.25,"{""user_ec2_wrappers_owner"": ""cs61c-aa""}",x`,
  `,${when[1]},${when[0]},Tax,AmazonEC2,,,0.5,,`,
]

test("CUR 2.0 with a BOM, CRLF, quoted newlines, other columns, a credit and a tax", async () => {
  const users = await reconciled(`\uFEFF${cur2.join("\r\n")}\r\n`)
  expect(users.get("cs61c-aa")).toMatchObject({ aws_usd: 1 })
  const because = users.get("cs61c-aa")?.because.join("; ")
  expect(because).toContain("$1.25 not launched through us")
  expect(because).toContain("$-0.25 of taxes, credits and refunds")
  expect(users.get(null as never)?.because.join()).toContain("$0.50 of taxes, credits and refunds")
})

test("a compressed FOCUS export", async () => {
  const bill = [
    "ResourceId,Tags,BilledCost,ChargeCategory,ChargePeriodEnd,ChargePeriodStart,ServiceName,ChargeDescription",
    `arn:aws:ec2:us-east-1:1:instance/i-0aa,"{""ec2-wrappers:owner"":""cs61c-ab""}",2.5,Usage,2026-11-02T00:00:00Z,2026-11-01T00:00:00Z,Amazon Elastic Compute Cloud,hours`,
    ",,0.5,Tax,2026-12-01T00:00:00Z,2026-11-01T00:00:00Z,Amazon Elastic Compute Cloud,VAT",
  ]
  const users = await reconciled(gzipSync(bill.join("\n")))
  expect(users.get("cs61c-ab")?.aws_usd).toBe(2.5)
})

test.each([
  ["a file that is not there", null, "reconcile: there is no file "],
  ["a compressed file that is cut off", gzipSync(cur2.join("\n")).subarray(0, 60), "cannot be read"],
  ["an empty file", "", "no row"],
  ["something else", "a,b\n1,2\n", "columns"],
])("%s is one clear line", async (_what, bill, line) => {
  const path = join(course.directory, "no-bill")
  if (bill !== null) await Bun.write(path, bill)
  const { stdout, stderr, code } = await course.run("usage_report", ["--reconcile", path])
  expect(stderr).toContain(line)
  expect([stdout, stderr.trimEnd().split("\n").length, code]).toEqual(["", 1, 1])
})
