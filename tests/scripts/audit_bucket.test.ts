/** The chain's head in a bucket: what was cut off at the end, and written anew, is found; and CloudTrail's acts are explained. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { handAt } from "../support/databases.ts"
import { credentials, startEmulator } from "../support/emulator.ts"
import { codeOf } from "../support/error_code.ts"

const emulator = await startEmulator()
const s3 = new S3Client({
  region: emulator.region,
  endpoint: emulator.endpoint,
  credentials,
  forcePathStyle: true,
})
let day: CourseDay
let bucket: string
let buckets = 0
beforeEach(async () => {
  buckets += 1
  bucket = `heads-${buckets}`
  day = await courseDay(emulator, { audit: { bucket } })
  await s3.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }))
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const audit = (...args: string[]) => day.run("audit", args, { as: "cs61c" })
const byHand = (...statements: string[]) => {
  const hand = handAt(join(day.course.dataDir, "usage.db"))
  for (const sql of statements) hand.run(sql)
  hand.close()
}
const cron = async () => {
  const { stderr, code } = await day.run("usage_cron", [], { as: "cs61c" })
  expect([stderr, code]).toEqual(["", 0])
}
const headNo = () => {
  const hand = handAt(join(day.course.dataDir, "usage.db"))
  const row = hand.query<{ n: number }, []>("SELECT max(row_no) AS n FROM audit_rows").get()
  hand.close()
  return row?.n ?? 0
}
const storedKeys = async () => {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }))
  return Versions.map(({ Key = "", VersionId }) => ({ Key, VersionId }))
}

describe("the head of the audit log", () => {
  test("is stored by usage_cron where it has changed, and nobody can remove it", async () => {
    await day.launch()
    await cron()
    await cron()
    const [first, ...rest] = await storedKeys()
    expect(rest).toEqual([])
    const head = headNo()
    expect(first?.Key).toMatch(new RegExp(`^audit/cs61c/${String(head).padStart(12, "0")}-[0-9a-f]{64}$`))
    expect(
      await codeOf(s3.send(new DeleteObjectCommand({ Bucket: bucket, ...(first as { Key: string }) }))),
    ).toBe("AccessDenied")
    const { stdout, stderr, code } = await audit("verify")
    expect(stderr).toBe("")
    expect(stdout).toBe(
      `${head} rows up to row ${head}: each fits\n1 head in s3://${bucket}, which vouch for the rows up to ${head}\n`,
    )
    expect(code).toBe(0)
  })

  test("finds rows that were cut off at the end, and where the chain was written anew after that", async () => {
    await day.launch()
    await cron()
    const first = headNo()
    await day.launch()
    await cron()
    const second = headNo()
    byHand(`DELETE FROM audit_rows WHERE row_no > ${second - 1}`)
    const cut = await audit("verify")
    expect(cut.stdout).toMatch(
      new RegExp(`^row ${second} was cut off at the end: at \\S+ the head was row ${second}\n`),
    )
    expect(cut.code).toBe(1)
    await day.launch()
    const anew = `the rows from somewhere between row ${first} and row ${second} on are not those of before`
    const writtenOn = await audit("verify")
    expect(writtenOn.stdout).toStartWith(`${anew}: row ${second} was stored at `)
    expect(writtenOn.stdout).toContain(" with another hash: the rows were cut off and written anew\n")
    await cron()
    await day.launch()
    await cron()
    const later = await audit("verify")
    expect(later.stdout).toContain(anew)
    expect(later.code).toBe(1)
  })

  test("tells a fork: one row was stored with two hashes", async () => {
    await day.launch()
    await cron()
    const head = headNo()
    const Key = `audit/cs61c/${String(head).padStart(12, "0")}-${"f".repeat(64)}`
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "x", ChecksumSHA256: sha256("x") }))
    const { stdout } = await audit("verify")
    expect(stdout).toContain(`row ${head} was stored at`)
    expect(stdout).toContain("and with this one, too: the chain forked")
  })

  test("proves nothing in a bucket whose objects the account's key can remove", async () => {
    await s3.send(new CreateBucketCommand({ Bucket: `${bucket}-open` }))
    day.course.configure({ audit: { bucket: `${bucket}-open` } })
    await day.launch()
    const { stdout, code } = await audit("verify")
    expect(stdout).toContain(`s3://${bucket}-open has no Object Lock: its heads prove nothing\n`)
    expect(code).toBe(1)
    day.course.configure({ audit: { bucket, bucket_owner: "123456789012" } })
    expect((await audit("verify")).stdout).toContain("bucket_owner 123456789012 is this account itself")
  })
})

describe("audit verify --cloudtrail", () => {
  test("explains what the tools did, and lists what was done with the account's key beside them", async () => {
    const [id = ""] = await day.launch()
    const [other = ""] = await day.launch()
    await day.run("ec2_active", ["-d", "-i", other], { as: student })
    const clean = await audit("verify", "--cloudtrail")
    expect(clean.stdout.split("\n").filter((line) => line.startsWith("no row explains"))).toEqual([])
    expect(clean.stdout).not.toContain("CloudTrail has no event")
    expect(clean.code).toBe(0)
    await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    const { stdout, code } = await audit("verify", "--cloudtrail")
    expect(stdout).toContain(`no row explains ec2 TerminateInstances of ${id} in us-east-1 at `)
    expect(stdout.match(/^no row explains/gm)).toHaveLength(1)
    expect(code).toBe(1)
  })
})

function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("base64")
}
