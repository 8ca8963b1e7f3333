import { describe, expect, test } from "bun:test"
import {
  CreateTagsCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, msPerMinute, utcMsOf } from "../../../lib/base/time.ts"
import { staleness } from "../../../lib/operations/usage/staleness.ts"
import { courseWithCron } from "../../support/cron.ts"
import { beforeEachFresh, type CronWorld, launchFor } from "../../support/cron_world.ts"
import { handAt } from "../../support/databases.ts"

let emulator: CronWorld["emulator"]
let begin: number
let course: CronWorld["course"]
beforeEachFresh((world) => {
  ;({ emulator, begin, course } = world)
})

const owner = "ec2-wrappers:owner"

const launch = async (parts: Parameters<typeof launchFor>[2] = {}, login = "cs61c-ab") =>
  (await launchFor(emulator, login, parts))[0] ?? ""
const terminate = (id: string) => emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
const stop = (id: string) => emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
const start = (id: string) => emulator.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))
const hours = (count: number) => emulator.proxy.advance(count * msPerHour)
const bill = () => emulator.proxy.world.bill.total({ tag: [owner, "cs61c-ab"] })

/** `unbilled`: what the emulator forgets, its address after a restart. */
function expectInside(unbilled = 0) {
  const { lowest, highest } = course.spent("cs61c-ab")
  // We count from LaunchTime, AWS from the fraction of a second later at which it runs.
  expect(lowest).toBeLessThanOrEqual(bill() + unbilled + 20)
  expect(highest).toBeGreaterThanOrEqual(bill())
  return { lowest, highest }
}

describe("usage_cron", () => {
  test("ends a run at the time of its termination, not of the next cron run", async () => {
    const id = await launch()
    await course.cron()
    await hours(2)
    // What was last seen running may have been stopped since: the look before the end says that it was not.
    await course.cron()
    await terminate(id)
    await hours(0.5)
    await course.cron()
    const [run] = course.usageDb.ledger.runs.ofInstance(id)
    expect(run?.end).toMatchObject({ evidence: "reason" })
    expect(run?.end?.latestUtcMs).toBe(utcMsOf(begin + msPerMinute + 2 * msPerHour))
    const { lowest, highest } = expectInside()
    expect(highest - lowest).toBeLessThan(5000)
  })

  test("bounds what vanished between two looks, and does not let it run for ever", async () => {
    const id = await launch()
    await course.cron()
    await hours(1)
    await terminate(id)
    await hours(30)
    await course.cron()
    expect(course.usageDb.ledger.openInstances(null)).toEqual([])
    expect(course.usageDb.ledger.runs.ofInstance(id)[0]?.end?.evidence).toBe("vanished")
    const { lowest, highest } = expectInside()
    expect(lowest).toBeLessThan(highest)
    await hours(100)
    expect(course.spent("cs61c-ab").highest - highest).toBe(100 * 1042) // the volume, which stays
  })

  test("takes a restart as a new run, at the price of its new start", async () => {
    const id = await launch()
    await course.cron()
    await hours(1)
    await stop(id)
    await hours(0.1)
    await course.cron()
    await hours(5)
    await start(id)
    await hours(1)
    await course.cron()
    await terminate(id)
    await hours(0.1)
    await course.cron()
    expectInside(5000)
    const stops = course.usageDb.ledger.runs.ofInstance(id)
    expect(stops.length).toBe(3) // the first, one that may have been unseen, the second
  })

  test("CloudTrail tells what no snapshot saw", async () => {
    const id = await launch()
    await course.cron()
    await hours(1)
    await stop(id)
    await hours(0.1)
    await course.cron()
    await hours(5)
    await start(id)
    await hours(1)
    await terminate(id)
    await hours(4)
    await course.cron()
    const before = expectInside(5000)
    await hours(0.5) // events come late
    await course.cron({ cloudTrail: true })
    const after = expectInside(5000)
    expect(after.highest - after.lowest).toBeLessThan(before.highest - before.lowest)
    expect(after.highest - after.lowest).toBeLessThan(10_000)
  })

  test("records instances without a key or an owner as nobody's", async () => {
    await launch({}, "")
    const summary = await course.cron()
    expect(summary).toMatchObject({ instances: 1, warnings: [] })
    expect(course.usageDb.ledger.openInstances("").length).toBe(1)
    expect(course.spent(null)).toEqual({ lowest: microUsdOf(0), highest: microUsdOf(0) })
  })

  for (const kind of ["half-answer", "garbage", "unavailable", "drop-before"] as const) {
    test(`records nothing of a listing that ends in ${kind}, but that it failed`, async () => {
      await launch()
      emulator.proxy.faults.add({ kind, action: "DescribeInstances", times: Number.POSITIVE_INFINITY })
      await expect(course.cron()).rejects.toThrow(/EC2/)
      expect(course.usageDb.ledger.openInstances(null)).toEqual([])
      expect(course.usageDb.snapshots.latest("us-east-1")).toBeNull()
      expect(course.usageDb.snapshots.lastFailure("us-east-1")?.error).toMatch(/EC2/)
    })
  }

  test.each([
    ["not enabled", "us-west-2 is not enabled for the account; enable it in the account's settings"],
    ["denied", "us-west-2: .*not allowed to do that"],
    ["down", "us-west-2: .*closed the connection"],
  ] as const)("a region that is %s stands by itself", async (how, says) => {
    const wide = courseWithCron(emulator, { aws: { regions: ["us-west-2"] } })
    try {
      const id = await launch()
      emulator.proxy.world.knobs.silentRegions = { "us-west-2": how }
      const summary = await wide.cron()
      expect(summary?.instances).toBe(1)
      expect(summary?.warnings).toEqual([expect.stringMatching(new RegExp(`^not read: ${says}`))])
      expect(wide.usageDb.ledger.openInstances(null).map(({ instanceId }) => instanceId)).toEqual([id])
      expect(wide.usageDb.snapshots.lastFailure("us-west-2")?.error).toMatch(new RegExp(`^${says}`))
      expect(wide.usageDb.snapshots.lastFailure("us-east-1")).toBeNull()
      expect(staleness(wide.usageDb, wide.config, wide.clock)).toMatch(
        /^what is below leaves out us-west-2: /,
      )
      // Read again, it is said no more.
      emulator.proxy.world.knobs.silentRegions = {}
      expect((await wide.cron())?.warnings).toEqual([])
      expect(staleness(wide.usageDb, wide.config, wide.clock)).toBeNull()
    } finally {
      wide.close()
    }
  })

  test("where no region takes the key, it is the key", async () => {
    emulator.proxy.world.knobs.silentRegions = { "us-east-1": "not enabled" }
    await expect(course.cron()).rejects.toThrow("does not accept the access key")
  })

  test("two at once: the second has nothing to do", async () => {
    const both = await Promise.all([course.cron(), course.cron()])
    expect(both.filter((summary) => summary === null).length).toBe(1)
  })

  test("counts a public address and the volume beside the instance", async () => {
    const id = await launch()
    await course.cron()
    await hours(10)
    await course.cron()
    await terminate(id)
    await hours(0.1)
    await course.cron()
    expect(course.usageDb.ledger.flatRates.ofLogin("cs61c-ab")).toMatchObject([{ kind: "volume" }])
    expectInside()
  })

  test("keeps the old tables and their views true", async () => {
    const id = await launch()
    await course.cron()
    await hours(2)
    await stop(id)
    await hours(0.1)
    await course.cron()
    await hours(3)
    await terminate(id)
    await hours(0.1)
    await course.cron()
    const db = handAt(course.config.paths.usageDb)
    expect(db.query("SELECT instance_id, hours, username FROM finished_instance_times").all()).toEqual([
      { instance_id: id, hours: 3, username: "cs61c-ab" },
    ])
    db.close()
  })

  test("tags that are gone do not take an instance from its owner", async () => {
    const id = await launch()
    await course.cron()
    await emulator.ec2.send(
      new CreateTagsCommand({ Resources: [id], Tags: [{ Key: owner, Value: "cs61c-zz" }] }),
    )
    await stop(id)
    await hours(0.1)
    await course.cron()
    expect(course.usageDb.ledger.openInstances("cs61c-ab").length).toBe(1)
  })
})
