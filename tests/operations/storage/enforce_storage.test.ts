/** Storage that a budget cannot pay for any longer ends, after warnings, on the emulator's virtual time. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2"
import { utcMsOf } from "../../../lib/base/time.ts"
import { toStorageOrder } from "../../../lib/decisions/storage/storage_order.ts"
import { cronRun } from "../../../lib/operations/enforcement/cron_run.ts"
import { pendingNotices } from "../../../lib/operations/enforcement/notices.ts"
import { createVolumesOrSnapshot } from "../../../lib/operations/storage/storage.ts"
import { runCron } from "../../../lib/operations/usage/cron.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { clockOf, depsOf, type TestDeps } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
const { proxy } = emulator
const msPerDay = 86_400_000
const zone = "us-east-1a"
let day: CourseDay
let deps: TestDeps

beforeEach(async () => {
  // 300 GiB of gp3 are $0.80 a day, a snapshot of 100 GiB $0.17
  day = await courseDay(emulator, { limits: { budget: 40 } })
  proxy.world.clock.stop()
  deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
})
afterEach(() => {
  deps.close()
  day.close()
})
afterAll(() => emulator.stop())

const make = (order: object, token: string) =>
  createVolumesOrSnapshot(deps, toStorageOrder({ protocol: 2, client_token: token, ...order }))
const cron = async (dryRun = false) => {
  const snapshot = () => runCron(deps, { cloudTrail: false })
  const { enforced, failure } = await cronRun(deps, { snapshot, enforce: true, dryRun })
  if (failure) throw failure
  return enforced ?? { lines: [], failures: [], foreign: [] }
}
async function there(): Promise<string[]> {
  const ours = { Filters: [{ Name: "tag-key", Values: ["ec2-wrappers:course"] }] }
  const { Volumes } = await emulator.ec2.send(new DescribeVolumesCommand(ours))
  const { Snapshots } = await emulator.ec2.send(new DescribeSnapshotsCommand(ours))
  return [
    ...(Volumes ?? []).map((each) => each.VolumeId ?? ""),
    ...(Snapshots ?? []).map((each) => each.SnapshotId ?? ""),
  ]
}
const spent = () => {
  const tariff = deps.usageDb.prices.tariff(deps.config)
  return deps.usageDb.transaction(
    () => deps.usageDb.ledger.spent(tariff, student, null, deps.clock.now()).highest,
  )
}

describe("storage", () => {
  test("is warned of a week and two days ahead, and deleted before it costs more than the budget", async () => {
    const { ids } = await make({ action: "create_volumes", volumes: [{ gib: 300, zone }] }, "v")
    await make({ action: "create_snapshot", volume_id: ids[0] }, "s")
    const lines: string[] = []
    let days = 0
    for (; (await there()).length > 0 && days < 100; days += 1) {
      await proxy.advance(msPerDay)
      const planned = (await cron(true)).lines
      const { lines: done, failures } = await cron()
      expect(done).toEqual(planned)
      expect(failures).toEqual([])
      lines.push(...done)
    }
    expect(days).toBeGreaterThan(25)
    expect(
      lines.filter((line) => line.startsWith(`warn ${student}: the budget pays for storage until `)).length,
    ).toBeGreaterThanOrEqual(2)
    expect(
      lines
        .filter((line) => line.startsWith("delete "))
        .map((line) => line.split(" ")[1]?.slice(0, 4))
        .sort(),
    ).toEqual(["snap", "vol-"])
    expect(spent()).toBeLessThanOrEqual(40_000_000)
    expect(spent()).toBeGreaterThan(36_000_000)
    const told = deps.told.find(({ subject }) => subject === "Your volumes and snapshots will be deleted")
    expect(told?.text).toMatch(
      /^Your budget pays for your 2 volumes and snapshots \(\$0\.05\d+\/h\) until \S+; then they are deleted\. Delete what you do not need: ec2-active --storage$/,
    )
    expect(pendingNotices(deps).filter((line) => line.includes("was deleted: the budget has"))).toHaveLength(
      2,
    )
    expect(readFileSync(`${day.course.dataDir}/audit-log`, "utf8")).toContain(
      `enforcement: delete ${ids[0]} of ${student}: the budget has`,
    )
  })

  test("is not taken away unannounced where staff lower a budget", async () => {
    await make({ action: "create_volumes", volumes: [{ gib: 100, zone }] }, "v")
    day.course.configure({ limits: { budget: 0.01 } })
    deps.close()
    deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
    await proxy.advance(3_600_000)
    expect((await cron()).lines).toEqual([
      expect.stringMatching(/^warn cs61c-aa: the budget pays for storage until /),
      "warn cs61c-aa: 95 % of the budget is spent",
    ])
    await proxy.advance(12 * 3_600_000)
    expect((await cron()).lines).toEqual([])
    expect(await there()).toHaveLength(1)
    await proxy.advance(13 * 3_600_000)
    expect((await cron()).lines[0]).toStartWith("delete vol-")
    expect(await there()).toEqual([])
  })

  test("that is attached, or was not made through us, is left alone and said", async () => {
    const { ids } = await make({ action: "create_volumes", volumes: [{ gib: 100, zone }] }, "v")
    proxy.world.clock.reset()
    const [instance = ""] = await day.launch("-z", zone)
    await emulator.ec2.send(
      new AttachVolumeCommand({ VolumeId: ids[0], InstanceId: instance, Device: "/dev/sdp" }),
    )
    const tags = { "ec2-wrappers:owner": student, "ec2-wrappers:course": "cs61c" }
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    const foreign = await emulator.ec2.send(
      new CreateVolumeCommand({
        Size: 100,
        AvailabilityZone: zone,
        TagSpecifications: [{ ResourceType: "volume", Tags }],
      }),
    )
    await cron()
    day.course.configure({ limits: { budget: 0.01 }, leases: { max_hours: 100 } })
    deps.close()
    deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
    deps.usageDb.leases.extend(instance, utcMsOf(Date.now() + 90 * 3_600_000))
    await cron()
    await proxy.advance(25 * 3_600_000)
    const { failures, foreign: said } = await cron()
    expect(failures).toEqual([expect.stringMatching(new RegExp(`^${ids[0]}: .*VolumeInUse`))])
    expect(said).toEqual([
      expect.stringMatching(new RegExp(`^${foreign.VolumeId} .*was not made through us and is left alone`)),
    ])
    expect(await there()).toContain(foreign.VolumeId ?? "")
    expect(await there()).toContain(ids[0] ?? "")
  })
})
