/** Volumes and snapshots of clusters: protocol 2 through the process. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2"
import { microUsdOf } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { settleReservations } from "../../../lib/operations/launches/settle.ts"
import {
  listFlatRateCharges,
  recordFlatRateCharges,
} from "../../../lib/operations/usage/flat_rate_charges.ts"
import { type CourseDay, courseDay } from "../../support/course_day.ts"
import { handAt } from "../../support/databases.ts"
import { depsOf } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const zone = "us-east-1a"
async function ask(request: object) {
  const stdin = JSON.stringify({ protocol: 2, client_token: "t", ...request })
  const { stdout, code } = await day.run("ec2_runner", ["--stdin-json"], { stdin })
  return { reply: JSON.parse(stdout), code }
}
const volumes = {
  action: "create_volumes",
  volumes: [
    { gib: 10, zone },
    { gib: 20, zone },
  ],
}
const described = async () => (await emulator.ec2.send(new DescribeVolumesCommand({}))).Volumes ?? []

describe("volumes of clusters", () => {
  test("are encrypted, tagged, recorded, and made once for a token", async () => {
    const { reply, code } = await ask({ ...volumes, cluster: { name: "wc", roles: ["dn"] } })
    expect(reply.ids).toHaveLength(2)
    expect(reply.hourly_cost).toBeCloseTo((30 * 0.08) / 720, 4)
    expect(code).toBe(0)
    const [volume] = await described()
    const tags = Object.fromEntries((volume?.Tags ?? []).map(({ Key, Value }) => [Key, Value]))
    expect(tags).toMatchObject({ "ec2-wrappers:owner": "cs61c-aa", "ec2-wrappers:cluster": "wc" })
    expect([volume?.Encrypted, volume?.VolumeType]).toEqual([true, "gp3"])
    const rentals = day.usageDb().ledger.flatRates.open("cs61c-aa")
    expect(rentals.map(({ flatRateId }) => flatRateId).sort()).toEqual([...reply.ids].sort())
    expect((await ask({ ...volumes, cluster: { name: "wc", roles: ["dn"] } })).reply.ids).toEqual(reply.ids)
    expect((await ask(volumes)).reply.error.code).toBe("IdempotentParameterMismatch")
    expect(await described()).toHaveLength(2)
  })

  test("without a budget are bounded by their hourly cost and their size, pending and restored ones included", async () => {
    day.course.configure({ limits: { budget: 1e9 } })
    const huge = Array.from({ length: 40 }, () => ({ gib: 16_384, zone }))
    const month = await ask({ action: "create_volumes", volumes: huge })
    expect([month.code, month.reply.error.message]).toEqual([
      3,
      expect.stringMatching(/storage asked at \$7\d\.\d+\/h = \$7\d\.\d+\/h, limit \$5\.10\/h/),
    ])
    const large = { action: "create_volumes", volumes: [{ gib: 600, zone }] }
    const { reply } = await ask({ ...large, client_token: "first" })
    expect((await ask({ ...large, client_token: "second" })).reply.error.message).toMatch(
      /600 GiB of storage \+ 600 GiB asked = 1200 GiB at the price of gp3, limit 1000 GiB/,
    )
    const snapshot = await ask({ action: "create_snapshot", volume_id: reply.ids[0], client_token: "s" })
    expect(snapshot.code).toBe(0)
    const restored = { gib: 1, zone, snapshot_id: snapshot.reply.ids[0] }
    expect((await ask({ action: "create_volumes", volumes: [restored], client_token: "r" })).code).toBe(3)
    expect(await described()).toHaveLength(1)
  })

  test("count thirty days ahead against the budget", async () => {
    day.course.configure({ limits: { budget: 2 } })
    const { reply, code } = await ask(volumes)
    expect(reply.error).toEqual({
      code: "Refused",
      message: expect.stringMatching(
        /\$0\.00 spent \+ \$2\.40\d* asked at most = \$2\.40\d*, budget \$2\.00/,
      ),
    })
    expect(code).toBe(3)
    expect(await described()).toEqual([])
  })

  test("whose reply is lost, or whose making is killed, do not stay outside the ledger", async () => {
    emulator.proxy.faults.add({ kind: "drop-after", action: "CreateVolume", times: Number.POSITIVE_INFINITY })
    expect((await ask(volumes)).code).toBe(1)
    emulator.proxy.faults.clear()
    const [volume] = await described()
    expect(volume).toBeDefined()
    // another launch does not give back what it has listed no volumes of
    await day.launch()
    expect(day.usageDb().reservations.pending("cs61c-aa")).toHaveLength(1)
    const later = { now: () => utcMsOf(Date.now() + 10 * 60_000), sleep: async () => {} }
    const deps = depsOf(day.course, { login: "cs61c-aa", clock: later })
    await settleReservations(deps)
    deps.close()
    expect(day.usageDb().reservations.pending("cs61c-aa")).toEqual([])
    const rentals = day.usageDb().ledger.flatRates.open("cs61c-aa")
    expect(rentals.map(({ flatRateId }) => flatRateId)).toContain(volume?.VolumeId ?? "")
  })

  test("a snapshot is made only of one's own", async () => {
    const { reply } = await ask({ ...volumes, client_token: "v" })
    const [volume_id] = reply.ids
    const snapshot = await ask({ action: "create_snapshot", client_token: "s", volume_id, description: "d" })
    expect(snapshot.reply.ids[0]).toMatch(/^snap-/)
    const own = { gib: 10, zone, snapshot_id: snapshot.reply.ids[0] }
    expect((await ask({ action: "create_volumes", client_token: "w", volumes: [own] })).code).toBe(0)
    const foreign = await emulator.ec2.send(new CreateVolumeCommand({ Size: 1, AvailabilityZone: zone }))
    const refused = await ask({ action: "create_snapshot", client_token: "x", volume_id: foreign.VolumeId })
    expect(refused.reply.error.message).toBe(`${foreign.VolumeId}: is not a volume of cs61c-aa`)
    expect(refused.code).toBe(3)
  })
})

describe("a snapshot", () => {
  async function volumeAndSnapshot(): Promise<{ volume: string; snapshot: string }> {
    const made = await ask({ action: "create_volumes", client_token: "v", volumes: [{ gib: 100, zone }] })
    const volume_id = made.reply.ids[0]
    const { reply } = await ask({ action: "create_snapshot", client_token: "s", volume_id })
    return { volume: volume_id, snapshot: reply.ids[0] }
  }
  const snapshots = async () => {
    const owners = [{ Name: "tag-key", Values: ["ec2-wrappers:owner"] }]
    return (await emulator.ec2.send(new DescribeSnapshotsCommand({ Filters: owners }))).Snapshots ?? []
  }
  const flatRate = (id: string) =>
    day
      .usageDb()
      .ledger.flatRates.open(null)
      .find(({ flatRateId }) => flatRateId === id)
  const cron = async () => {
    const { stderr, code } = await day.run("usage_cron", [], { as: "cs61c" })
    expect([stderr, code]).toEqual(["", 0])
  }

  test("is in the ledger from the moment that it is made, counts thirty days ahead, and cron sees it", async () => {
    const { volume, snapshot } = await volumeAndSnapshot()
    // 100 GiB at $0.05 a month, rounded up to the micro-dollar per hour
    expect(flatRate(snapshot)).toMatchObject({
      kind: "snapshot",
      login: "cs61c-aa",
      microUsdPerHour: microUsdOf(6945),
    })
    const reserved = async () =>
      JSON.parse((await day.run("ec2_active", ["--quota", "--json"])).stdout).budget.reserved
    expect(await reserved()).toBeCloseTo(8 + 5, 1)
    await cron()
    expect(flatRate(snapshot)?.seenUtcMs).toBeGreaterThan(flatRate(snapshot)?.startLatestUtcMs ?? 0)
    await emulator.ec2.send(new DeleteVolumeCommand({ VolumeId: volume }))
    await emulator.ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }))
    await cron()
    expect(flatRate(snapshot)).toBeUndefined()
    expect(await reserved()).toBe(0)
  })

  test("and a volume that cron's listing does not show yet stay reserved", async () => {
    const deps = depsOf(day.course, { login: "cs61c" })
    const before = await listFlatRateCharges(deps)
    const { volume, snapshot } = await volumeAndSnapshot()
    const tariff = deps.usageDb.prices.tariff(deps.config)
    deps.usageDb.transaction(() => recordFlatRateCharges(deps.usageDb, tariff, before))
    expect([flatRate(volume), flatRate(snapshot)]).not.toContain(undefined)
    // ten minutes later it says something
    const late = {
      ...before,
      fromUtcMs: utcMsOf(before.fromUtcMs + 700_000),
      toUtcMs: utcMsOf(before.toUtcMs + 700_000),
    }
    deps.usageDb.transaction(() => recordFlatRateCharges(deps.usageDb, tariff, late))
    expect([flatRate(volume), flatRate(snapshot)]).toEqual([undefined, undefined])
    deps.close()
  })

  test("shows in the report between nothing and its whole price, since AWS tells no blocks", async () => {
    const { snapshot } = await volumeAndSnapshot()
    const db = handAt(`${day.course.dataDir}/usage.db`)
    db.run(
      "UPDATE rentals SET start_earliest_utc_ms = start_earliest_utc_ms - 864000000, start_latest_utc_ms = start_latest_utc_ms - 864000000",
    )
    db.close()
    const { stdout } = await day.run("usage_report", ["cs61c-aa", "--offline"], { as: "cs61c" })
    expect(stdout).toMatch(
      /Snapshots:\n +240 hours of snapshot 100 GiB \(demand\) @ \$0\.007 = \$0\.00–\$1\.67\n/,
    )
    const json = JSON.parse(
      (await day.run("usage_report", ["cs61c-aa", "--offline", "--json"], { as: "cs61c" })).stdout,
    )
    expect(json.snapshots).toHaveLength(1)
    const { stdout: csv } = await day.run("usage_report", ["cs61c-aa", "--offline", "--csv"], {
      as: "cs61c",
    })
    expect(csv).toContain(`snapshot,${snapshot}`)
  })

  test("whose reply is lost is made once, and found by its tag", async () => {
    const made = await ask({ action: "create_volumes", client_token: "v", volumes: [{ gib: 10, zone }] })
    emulator.proxy.faults.add({ kind: "drop-after", action: "CreateSnapshot" })
    const lost = await ask({ action: "create_snapshot", client_token: "s", volume_id: made.reply.ids[0] })
    expect(lost.code).toBe(1)
    const [snapshot, ...more] = await snapshots()
    expect(more).toEqual([])
    expect(day.usageDb().reservations.pending("cs61c-aa")).toHaveLength(1)
    const later = { now: () => utcMsOf(Date.now() + 10 * 60_000), sleep: async () => {} }
    const deps = depsOf(day.course, { login: "cs61c-aa", clock: later })
    await settleReservations(deps)
    deps.close()
    expect(day.usageDb().reservations.pending(null)).toEqual([])
    expect(flatRate(snapshot?.SnapshotId ?? "")).toMatchObject({ kind: "snapshot" })
  })

  test("and a volume are listed and deleted by their owner, and by nobody else", async () => {
    const { volume, snapshot } = await volumeAndSnapshot()
    const shown = await day.run("ec2_active", ["--storage"])
    expect(shown.stdout).toContain(volume)
    expect(shown.stdout).toMatch(/snap-\w+ +snapshot 100 GiB +\S+Z +- +\$0\.006945\n/)
    expect(shown.stdout).toContain("2 in all: $0.018057/h, $13.0")
    expect(JSON.parse((await day.run("ec2_active", ["--storage", "--json"])).stdout)).toHaveLength(2)
    const foreign = await day.run("ec2_active", ["--delete", snapshot], { as: "cs61c-ab" })
    expect(foreign.stderr).toContain(`${snapshot}: is not storage of cs61c-ab`)
    expect(foreign.code).toBe(3)
    expect((await day.run("ec2_active", ["--delete", "snap-x"])).code).toBe(2)
    const dry = await day.run("ec2_active", ["--delete", snapshot, volume, "--dry-run"])
    expect(dry.stdout).toBe(
      `Would delete ${snapshot} (snapshot 100 GiB)\nWould delete ${volume} (gp3 100 GiB)\n`,
    )
    expect(await snapshots()).toHaveLength(1)
    expect((await day.run("ec2_active", ["--delete", snapshot, volume])).code).toBe(0)
    expect(await snapshots()).toEqual([])
    expect(await described()).toEqual([])
    expect(flatRate(snapshot)).toBeUndefined()
    expect((await day.run("ec2_active", ["--storage"])).stdout).toStartWith("0 in all: $0.00/h")
  })

  test("neither a volume that is attached nor an instance's own is deleted", async () => {
    const { volume } = await volumeAndSnapshot()
    const [id = ""] = await day.launch("-z", zone)
    await emulator.ec2.send(new AttachVolumeCommand({ VolumeId: volume, InstanceId: id, Device: "/dev/sdp" }))
    const attached = await day.run("ec2_active", ["--delete", volume])
    expect(attached.stderr).toBe(`ec2_active: ${volume}: is attached to ${id}\n`)
    expect(attached.code).toBe(3)
    const own = (await described()).find(({ VolumeId }) => VolumeId !== volume)?.VolumeId ?? ""
    const refused = await day.run("ec2_active", ["--delete", own])
    expect(refused.stderr).toContain("is not storage of cs61c-aa")
  })
})
