/** course_sweep, as staff uses it at the end of a term: exactly what was left behind, in whatever region, and nobody else's. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { CloudWatchLogsClient, CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs"
import { CreateVolumeCommand, DescribeVolumesCommand, EC2Client } from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { microUsdOf } from "../../lib/base/money.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { credentials, startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
const hour = 3_600_000
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
  // The tools go by AWS's time, which a test moves.
  emulator.proxy.world.knobs.tellsItsTime = true
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const client = (region: string) => new EC2Client({ endpoint: emulator.endpoint, region, credentials })
/** A volume of that owner; with a row in the ledger where it was made through us. */
async function volume(owner: string | null, { region = "us-east-1", inLedger = true } = {}): Promise<string> {
  const Tags = Object.entries(owner === null ? {} : { [tagOf.owner]: owner, [tagOf.course]: "cs61c" }).map(
    ([Key, Value]) => ({ Key, Value }),
  )
  const made = await client(region).send(
    new CreateVolumeCommand({
      ...{ AvailabilityZone: `${region}a`, Size: 10, VolumeType: "gp3" },
      ...(Tags.length > 0 && { TagSpecifications: [{ ResourceType: "volume", Tags }] }),
    }),
  )
  const id = made.VolumeId ?? ""
  if (owner === null || !inLedger) return id
  const at = utcMsOf(made.CreateTime?.getTime() ?? 0)
  const usageDb = day.usageDb()
  usageDb.transaction(() => {
    usageDb.ledger.sums.know(owner)
    usageDb.ledger.flatRates.put({
      ...{ flatRateId: id, kind: "volume", login: owner, region, description: "gp3 10 GiB" },
      ...{ microUsdPerHour: microUsdOf(1100), goesWithInstance: "", seenUtcMs: at, priceSource: null },
      ...{ startEarliestUtcMs: at, startLatestUtcMs: at, endEarliestUtcMs: null, endLatestUtcMs: null },
    })
  })
  return id
}
const sweep = (...args: string[]) => day.run("course_sweep", args, { as: "cs61c" })
const found = async (...args: string[]) => {
  const { stdout, stderr } = await sweep("--json", ...args)
  if (stdout === "") throw new Error(stderr)
  const { found } = JSON.parse(stdout) as { found: { id: string; verdict: string; new: boolean }[] }
  return new Map(found.map((one) => [one.id, one]))
}
const volumes = async (region = "us-east-1") =>
  ((await client(region).send(new DescribeVolumesCommand({}))).Volumes ?? []).map(({ VolumeId }) => VolumeId)

describe("course_sweep", () => {
  test("removes exactly what its plan says is ours, in every region", async () => {
    const gone = await volume("cs61c-zz")
    const far = await volume("cs61c-zz", { region: "eu-west-1" })
    const active = await volume(student)
    const copied = await volume("cs61c-zz", { inLedger: false })
    const nobodys = await volume(null)
    const logs = new CloudWatchLogsClient({ endpoint: emulator.endpoint, region: "us-east-1", credentials })
    await logs.send(new CreateLogGroupCommand({ logGroupName: "/course", tags: { [tagOf.course]: "cs61c" } }))
    expect((await sweep("--apply")).stderr).toContain("sweep: there is no plan")
    expect((await found()).get(gone)?.verdict).toBe("kept")
    await emulator.proxy.advance(2 * hour)
    const plan = await found()
    const verdicts = [gone, far, active, copied, nobodys, "/course"].map((id) => plan.get(id)?.verdict)
    expect(verdicts).toEqual(["ours", "ours", "kept", "tagged", "nobody's", "tagged"])
    expect(await volumes()).toHaveLength(4)
    const refused = await sweep("--apply", nobodys)
    expect(refused.stderr).toContain("is nobody's in the last plan")
    expect(refused.code).toBe(3)
    const done = await sweep("--apply", "--keep", far)
    expect(done.stdout).toBe(`volume ${gone}: removed\n`)
    expect(done.stderr).toContain(`${far}: is left: --keep`)
    expect((await volumes()).toSorted()).toEqual([active, copied, nobodys].toSorted())
    const named = await sweep("--apply", copied)
    expect({ stdout: named.stdout, code: named.code }).toEqual({
      stdout: `volume ${copied}: removed\n`,
      code: 0,
    })
    expect(await volumes("eu-west-1")).toEqual([far])
  }, 300_000)

  test("names a service that may not be listed, and removes nothing of that region", async () => {
    const gone = await volume("cs61c-zz")
    await emulator.proxy.advance(2 * hour)
    const clear = emulator.proxy.faults.add({
      ...{ kind: "refuse", action: "DescribeNatGateways", times: Number.POSITIVE_INFINITY },
      matches: ({ region }) => region === "us-east-1",
    })
    const partly = await sweep()
    expect(partly.stdout).toContain("not listed: us-east-1: NAT gateways: ")
    expect(partly.code).toBe(1)
    expect((await sweep("--apply")).stdout).toBe("nothing was removed\n")
    clear()
    expect(await volumes()).toContain(gone)
  }, 300_000)

  test("--new is silent about what a sweep has found before", async () => {
    await volume("cs61c-zz")
    expect((await sweep("--new")).stdout).toContain("vol-")
    expect(await sweep("--new")).toEqual({ stdout: "", stderr: "", code: 0 })
  }, 300_000)
})
