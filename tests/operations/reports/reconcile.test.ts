/** AWS's bill in the forms in which it is delivered, beside ours. */

import { afterEach, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { Readable } from "node:stream"
import { gzipSync } from "node:zlib"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, utcMsOf } from "../../../lib/base/time.ts"
import { exactly } from "../../../lib/decisions/usage/runs.ts"
import { systemClock } from "../../../lib/host/clock.ts"
import { unpacked } from "../../../lib/operations/reports/bill.ts"
import { usageDbAt } from "../../support/databases.ts"
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

/** One instance of an hour, its address, a snapshot, and a bill of a month's first day. */
async function ranForAnHour() {
  const start = utcMsOf(Date.UTC(2026, 10, 1))
  const db = usageDbAt({
    path: join(course.dataDir, "usage.db"),
    clock: { now: () => start, sleep: async () => {} },
  })
  const common = { login: "cs61c-ab", region: "us-east-1" }
  db.transaction(() => {
    db.ledger.addRun(null, {
      ...{
        ...common,
        instanceId: "i-0aa",
        instanceType: "m1.small",
        market: "on-demand",
        zone: "us-east-1a",
      },
      ...{ usageOperation: "RunInstances", publicIpv4: true, seenUtcMs: start, endedByEc2: false },
      ...{ start: exactly(start, "observed"), end: exactly(utcMsOf(start + msPerHour), "reason") },
    })
    db.ledger.sums.know("cs61c-ab")
    db.ledger.flatRates.put({
      ...{
        ...common,
        flatRateId: "snap-0a",
        kind: "snapshot",
        description: "snapshot 8 GiB",
        microUsdPerHour: microUsdOf(556),
      },
      ...{ startEarliestUtcMs: start, startLatestUtcMs: start, endEarliestUtcMs: null, endLatestUtcMs: null },
      ...{ seenUtcMs: start, goesWithInstance: "" },
    })
  })
  db.close()
}

test("addresses by their network interface, snapshots, and a tax of the whole month need no explanation", async () => {
  await ranForAnHour()
  const day = "2026-11-01T00:00:00Z,2026-11-02T00:00:00Z"
  const bill = [
    "lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/LineItemType,lineItem/ProductCode,lineItem/ResourceId,lineItem/UsageType,lineItem/UnblendedCost,resourceTags/user:ec2-wrappers:owner",
    `${day},Usage,AmazonEC2,i-0aa,BoxUsage:m1.small,0.044,cs61c-ab`,
    `${day},Usage,AmazonVPC,arn:aws:ec2:us-east-1:1:network-interface/eni-0a,PublicIPv4:InUseAddress,0.005,cs61c-ab`,
    `${day},Usage,AmazonEC2,arn:aws:ec2:us-east-1:1:snapshot/snap-0a,EBS:SnapshotUsage,0.01,cs61c-ab`,
    "2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,Tax,AmazonEC2,,,0,",
  ]
  const users = await reconciled(bill.join("\n"))
  expect(users.get("cs61c-ab")).toMatchObject({ aws_usd: 0.059, because: [] })
})

test("a bill without the ids of resources has each user's charges beside theirs", async () => {
  const row = (owner: string, cost: number, usage: string) =>
    `${when},Usage,AmazonEC2,,${usage},${cost},"{""user_ec2_wrappers_owner"": ""${owner}""}"`
  const users = await reconciled(
    [
      "line_item_usage_start_date,line_item_usage_end_date,line_item_line_item_type,line_item_product_code,line_item_resource_id,line_item_usage_type,line_item_unblended_cost,resource_tags",
      ...[row("cs61c-aa", 1, "BoxUsage:m1.small"), row("cs61c-ab", 2, "BoxUsage:m1.small")],
      ...[row("cs61c-ab", 0.5, "CPUCredits:t3"), `${when},Usage,AmazonS3,,Requests-Tier1,4,`],
    ].join("\n"),
  )
  expect(users.get("cs61c-aa")).toMatchObject({
    ...{ aws_usd: 1, because: ["$1.00 of EC2 without a resource's id in the bill"] },
  })
  expect(users.get("cs61c-ab")?.because.slice(0, 2)).toEqual([
    "$0.50 of other services and transfer",
    "$2.00 of EC2 without a resource's id in the bill",
  ])
  expect(users.get(null as never)?.because).toEqual(["$4.00 of other services and transfer"])
})

const header =
  "lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/LineItemType,lineItem/ProductCode,lineItem/ResourceId,lineItem/UsageType,lineItem/UnblendedCost,resourceTags/user:ec2-wrappers:owner,resourceTags/user:ec2-wrappers:course"
const hour = "2026-11-01T00:00:00Z,2026-11-01T01:00:00Z"
/** One that is not over. */
const openMonth = "2026-11-01T00:00:00Z,2099-01-01T00:00:00Z"
const month = "2026-11-01T00:00:00Z,2026-12-01T00:00:00Z"
const hourOfOurs = [
  `${hour},Usage,AmazonEC2,i-0aa,BoxUsage:m1.small,0.044,cs61c-ab,cs61c`,
  `${hour},Usage,AmazonVPC,arn:aws:ec2:us-east-1:1:network-interface/eni-0a,PublicIPv4:InUseAddress,0.005,cs61c-ab,cs61c`,
  `${hour},Usage,AmazonEC2,arn:aws:ec2:us-east-1:1:snapshot/snap-0a,EBS:SnapshotUsage,0.000556,cs61c-ab,cs61c`,
]

/** All that was printed. */
async function report(...args: string[]) {
  const { stdout, stderr, code } = await course.run("usage_report", args)
  return { report: code === 2 || stdout === "" ? null : JSON.parse(stdout), stderr, code }
}
async function billFile(name: string, ...lines: string[]): Promise<string> {
  const path = join(course.directory, name)
  await Bun.write(path, lines.join("\n"))
  return path
}

test("a row for a month does not stretch a bill that has one hour, and is named as not finished", async () => {
  await ranForAnHour()
  const bill = await billFile(
    "bill",
    header,
    ...hourOfOurs,
    `${openMonth},Usage,AmazonRoute53,Z0EXAMPLE,HostedZone,0.5,,`,
  )
  const found = (await report("--reconcile", bill, "--json")).report
  expect(found).toMatchObject({
    from: "2026-11-01T00:00:00Z",
    to: "2026-11-01T01:00:00Z",
    finished: true,
    unfinished_usd: 0.5,
  })
  expect(found.users.find(({ user }: { user: string }) => user === "cs61c-ab").because).toEqual([])
  const { stdout } = await course.run("usage_report", ["--reconcile", bill])
  expect(stdout).toContain("not finished, left out: $0.50 of longer periods")
})

test("a bill by the month counts the months that are over", async () => {
  await ranForAnHour()
  const byMonth = hourOfOurs.map((line) => line.replace(hour, month).replace(",0.000556,", ",0.400320,"))
  const next =
    "2026-12-01T00:00:00Z,2099-01-01T00:00:00Z,Usage,AmazonEC2,i-0bb,BoxUsage:m1.small,7,cs61c-ab,cs61c"
  const { report: found } = await report(
    "--reconcile",
    await billFile("bill", header, ...byMonth, next),
    "--json",
  )
  expect(found).toMatchObject({ to: "2026-12-01T00:00:00Z", finished: true, unfinished_usd: 7 })
  expect(found.users.find(({ user }: { user: string }) => user === "cs61c-ab").because).toEqual([])
})

test("of a month that is not over, AWS may still add what is missing", async () => {
  await ranForAnHour()
  const open = hourOfOurs
    .slice(0, 1)
    .map((line) => line.replace(hour, "2026-11-01T00:00:00Z,2099-01-01T00:00:00Z"))
  const { report: found } = await report("--reconcile", await billFile("bill", header, ...open), "--json")
  expect(found).toMatchObject({ finished: false })
  const because = found.users.find(({ user }: { user: string }) => user === "cs61c-ab").because.join("; ")
  expect(because).toContain("of ours that the unfinished bill may still add")
  expect(because).not.toContain("not in the bill")
})

test("a bill in several files, and files behind one another with other columns, are one bill", async () => {
  await ranForAnHour()
  const other =
    "identity/LineItemId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/ResourceId,lineItem/UnblendedCost,resourceTags/user:ec2-wrappers:owner"
  const snapshot = `7,Usage,${hour},AmazonEC2,EBS:SnapshotUsage,snap-0a,0.000556,cs61c-ab`
  const [instance = "", address = ""] = hourOfOurs
  const bills = [
    [await billFile("bill-1", header, instance, address), await billFile("bill-2", other, snapshot)],
    [await billFile("bill-3", header, instance, address, other, snapshot)],
  ]
  for (const files of bills) {
    const { report: found, code } = await report(...files.flatMap((file) => ["--reconcile", file]), "--json")
    expect([code, found.rows_left_out]).toEqual([0, 0])
    expect(found.users.find(({ user }: { user: string }) => user === "cs61c-ab")).toMatchObject({
      aws_usd: 0.049556,
      because: [],
    })
  }
})

test("rows that cannot be read are loud: exit code 1, a warning and a count in JSON", async () => {
  await ranForAnHour()
  const bill = await billFile(
    "bill",
    header,
    ...hourOfOurs,
    `${hour},Usage,AmazonEC2,i-0aa,BoxUsage,,cs61c-ab,cs61c`,
  )
  const { report: found, stderr, code } = await report("--reconcile", bill, "--json")
  expect(found.rows_left_out).toBe(1)
  expect(stderr).toContain("1 row of the bill without a cost or a time left out")
  expect(code).toBe(1)
})

test("a public address is known by its interface where the bill has no owner tag", async () => {
  await ranForAnHour()
  const db = usageDbAt({ path: join(course.dataDir, "usage.db"), clock: systemClock })
  db.transaction(() => db.ledger.interfaces.note(["eni-0a"], "i-0aa", "cs61c-ab"))
  db.close()
  const withoutTags = hourOfOurs.map((line) => line.replace("cs61c-ab,cs61c", ","))
  const users = await reconciled([header, ...withoutTags].join("\n"))
  expect(users.get("cs61c-ab")).toMatchObject({
    aws_usd: 0.049556,
    because: ["3 things without the owner's tag in the bill"],
  })
  expect(users.has(null as never)).toBe(false)
})

test.each([
  ["CUR 2.0's tags", "resource_tags", `"{""user_ec2_wrappers_owner"": ""cs61c-aa""}"`],
  ["CUR 2.0's tags with prefixes", "tags", `"{""resourceTags/user_ec2_wrappers_owner"": ""cs61c-aa""}"`],
  ["Athena's map", "resource_tags", `"{user_other=a, b=c, user_ec2_wrappers_owner=cs61c-aa}"`],
  ["a column of its own", "resource_tags_user_ec2_wrappers_owner", "cs61c-aa"],
])("%s name the owner", async (_what, column, value) => {
  const columns = `line_item_usage_start_date,line_item_usage_end_date,line_item_line_item_type,line_item_product_code,line_item_resource_id,line_item_usage_type,line_item_unblended_cost,${column}`
  const users = await reconciled([columns, `${when},Usage,AmazonEC2,i-0zz,BoxUsage,1.25,${value}`].join("\n"))
  expect(users.get("cs61c-aa")?.aws_usd).toBe(1.25)
})

test("another course's costs are not put on a student of the same login", async () => {
  await ranForAnHour()
  const others = `${hour},Usage,AmazonEC2,i-0other,BoxUsage:m1.small,3,cs61c-ab,cs170`
  const users = await reconciled([header, ...hourOfOurs, others].join("\n"))
  expect(users.get("cs61c-ab")?.because).toEqual([])
  expect(users.get(null as never)?.because).toEqual(["$3.00 of course cs170"])
})

test("hours that a reservation covers and its fee are told apart", async () => {
  await ranForAnHour()
  const [, ...rest] = hourOfOurs
  const covered = `${hour},DiscountedUsage,AmazonEC2,i-0aa,BoxUsage:m1.small,0,cs61c-ab,cs61c`
  const fee = `${month},RIFee,AmazonEC2,,HeavyUsage:m1.small,20,,`
  const users = await reconciled([header, covered, ...rest, fee.replace(month, hour)].join("\n"))
  expect(users.get("cs61c-ab")?.because).toEqual(["$0.04 of hours that a reservation or savings plan covers"])
  expect(users.get(null as never)?.because).toEqual(["$20.00 of fees for reservations and savings plans"])
})

test("a compressed bill is known for one, however little of it arrives first", async () => {
  const bill = gzipSync("UnblendedCost")
  const parts = Readable.from([bill.subarray(0, 1), bill.subarray(1)])
  expect(await new Response(Readable.from(unpacked(parts)) as never).text()).toBe("UnblendedCost")
})

test("our own FOCUS export agrees with ourselves", async () => {
  await ranForAnHour()
  const options = ["ALL", "--focus", "--from", "2026-11-01", "--to", "2026-11-01"]
  const { stdout } = await course.run("usage_report", options)
  expect((await reconciled(stdout)).get("cs61c-ab")?.because).toEqual([])
})

test.each([
  ["a file that is not there", null, "reconcile: there is no file "],
  ["a compressed file that is cut off", gzipSync(cur2.join("\n")).subarray(0, 60), "cannot be read"],
  ["an empty file", "", "no row"],
  [
    "a bill in another currency",
    "BillingCurrency,BilledCost,ChargePeriodStart\nCNY,1,2026-11-01T00:00:00Z\n",
    'reconcile: the bill is in "CNY", wanted USD',
  ],
  ["a ZIP archive", "PK\x03\x04binary", "the bill is a ZIP archive, wanted CSV: unzip -p"],
  ["a Parquet file", 'PAR1"binary', "the bill is in Parquet, wanted CSV: "],
  ["something else", "a,b\n1,2\n", "columns"],
])("%s is one clear line", async (_what, bill, line) => {
  const path = join(course.directory, "no-bill")
  if (bill !== null) await Bun.write(path, bill)
  const { stdout, stderr, code } = await course.run("usage_report", ["--reconcile", path])
  expect(stderr).toContain(line)
  expect([stdout, stderr.trimEnd().split("\n").length, code]).toEqual(["", 1, 1])
})
