/** usage_cron as crontab runs it, while AWS does not answer as it should. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { RunInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import type { FaultKind } from "../emulator/faults.ts"
import { handAt } from "../support/databases.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { everythingRecorded } from "../support/recorded.ts"
import { type Workspace, workspace } from "../support/tools.ts"

let emulator: Emulator
let course: Workspace
let ids: string[]
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator.stop())
beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint })
  await course.run("init_dbs")
  ids = await launch(3)
  expect(await course.run("usage_cron")).toEqual({ stdout: "", stderr: "", code: 0 })
  // What the failing run would have to record: one gone, one new, and pages of two.
  await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: ids.slice(0, 1) }))
  ids.push(...(await launch(1)))
  emulator.proxy.world.knobs.pageSize = 2
})
afterEach(() => course.remove())

async function launch(count: number): Promise<string[]> {
  const reply = await emulator.ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: emulator.fixtures.image, InstanceType: "t3.micro", MinCount: count, MaxCount: count },
      TagSpecifications: [
        { ResourceType: "instance", Tags: [{ Key: "ec2-wrappers:owner", Value: "cs61c-ab" }] },
      ],
    }),
  )
  await emulator.proxy.advance(1000)
  return (reply.Instances ?? []).map(({ InstanceId = "" }) => InstanceId)
}

const recorded = () => everythingRecorded(`${course.dataDir}/usage.db`)

async function expectNothingRecordedAndOneLine(): Promise<string> {
  const before = recorded()
  const { stdout, stderr, code } = await course.run("usage_cron")
  expect([stdout, code]).toEqual(["", 1])
  expect(stderr.trimEnd().split("\n").length).toBe(1)
  expect(stderr).toStartWith("usage_cron: ")
  expect(recorded()).toEqual(before)
  return stderr
}

async function expectNextRunRight(): Promise<void> {
  emulator.proxy.faults.clear()
  expect(await course.run("usage_cron")).toEqual({ stdout: "", stderr: "", code: 0 })
  const { instances } = recorded() as {
    instances: { instance_id: string; end_time: number | null }[]
  }
  const running = instances.filter(({ end_time }) => end_time === null).map(({ instance_id }) => instance_id)
  expect(running.sort()).toEqual(ids.slice(1).sort())
  expect(instances.length).toBe(4)
}

describe("usage_cron while EC2", () => {
  const kinds: [FaultKind, string][] = [
    ["throttle", "throttles"],
    ["unavailable", "is overloaded"],
    ["html-error", "hides behind a proxy's error page"],
    ["drop-before", "resets the connection"],
    ["half-answer", "answers half a page"],
    ["garbage", "answers garbage"],
  ]
  for (const [kind, happens] of kinds) {
    // A throttled call is tried again for a quarter of a minute; once is enough.
    for (const skip of kind === "throttle" ? [1] : [0, 1]) {
      const where = skip === 0 ? "at once" : "at the second page"
      test(`${happens} ${where}: one line, nothing half recorded, and the next run is right`, async () => {
        emulator.proxy.faults.add({
          kind,
          action: "DescribeInstances",
          skip,
          times: Number.POSITIVE_INFINITY,
        })
        await expectNothingRecordedAndOneLine()
        await expectNextRunRight()
      })
    }
  }

  test("is down: one line that names the endpoint, and the next run is right", async () => {
    course.configure({ aws: { endpoint: "http://127.0.0.1:9" } })
    expect(await expectNothingRecordedAndOneLine()).toContain("127.0.0.1:9")
    course.configure({})
    await expectNextRunRight()
  })

  test("throttles for a moment: nobody notices", async () => {
    emulator.proxy.faults.add({ kind: "throttle", action: "DescribeInstances", times: 2 })
    expect(await course.run("usage_cron")).toEqual({ stdout: "", stderr: "", code: 0 })
    await expectNextRunRight()
  })

  test("tells volumes only: the snapshot is recorded, and a warning says what is missing", async () => {
    emulator.proxy.faults.add({ kind: "garbage", action: "DescribeVolumes", times: Number.POSITIVE_INFINITY })
    const { stdout, stderr, code } = await course.run("usage_cron")
    expect([stdout, code]).toEqual(["", 0])
    expect(stderr).toMatch(/^usage_cron: volumes and addresses not read: [^\n]+\n$/)
    await expectNextRunRight()
  })

  test("fails for hours: every tool says since when, and why", async () => {
    emulator.proxy.faults.add({
      kind: "garbage",
      action: "DescribeInstances",
      times: Number.POSITIVE_INFINITY,
    })
    const told = (await expectNothingRecordedAndOneLine()).replace("usage_cron: ", "").trim()
    emulator.proxy.faults.clear()
    const db = handAt(`${course.dataDir}/usage.db`)
    db.run(
      "UPDATE snapshots SET started_utc_ms = started_utc_ms - 10800000, finished_utc_ms = finished_utc_ms - 10800000",
    )
    db.close()
    const says = new RegExp(
      `the last snapshot is 3 h.* old .*does usage_cron run\\?; since then: ${RegExp.escape(told)}`,
    )
    for (const [tool, ...args] of [
      ["usage_report", "ALL"],
      ["usage_report", "cs61c-ab", "--offline"],
      ["ec2_active"],
      ["ec2_runner", "--dry-run", "-a", emulator.fixtures.image, "-t", "t3.micro"],
      ["ec2_util", "--list"],
    ] as [string, ...string[]][]) {
      const { stderr } = await course.run(tool, args, { as: tool.startsWith("usage") ? "cs61c" : "cs61c-ab" })
      expect(`${tool}: ${stderr}`).toMatch(says)
    }
  })

  test("is down while a launch waits to be settled: still one line", async () => {
    course.configure({ aws: { endpoint: "http://127.0.0.1:9" } })
    const db = handAt(`${course.dataDir}/usage.db`)
    // Left by a launch that was killed.
    db.run(
      `INSERT INTO reservations(reservation_id, login, kind, state, region, instance_type, market, key_name, instance_count,
         micro_usd_per_hour, storage_micro_usd_per_hour, address_micro_usd_per_hour, worst_micro_usd,
         lease_ends_at_utc_ms, process, created_at_utc_ms)
       VALUES ('r-1', 'cs61c-ab', 'launch', 'pending', 'us-east-1', 't3.micro', 'on-demand', 'cs61c-ab-default', 1,
         10400, 0, 0, 10400, 0, 'killed', 0)`,
    )
    db.close()
    await expectNothingRecordedAndOneLine()
  })
})

test("usage_cron without a database says so in one line", async () => {
  const bare = workspace({ endpoint: emulator.endpoint })
  const { stderr, code } = await bare.run("usage_cron")
  expect(stderr).toMatch(/^usage_cron: open [^\n]+ does not exist; init_dbs makes it\n$/)
  expect(code).toBe(1)
  bare.remove()
})
