/** Volumes and snapshots of clusters: protocol 2 through the process. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { CreateVolumeCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2"
import { settleReservations } from "../../../lib/operations/launches/settle.ts"
import { type CourseDay, courseDay } from "../../support/course_day.ts"
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
    const rentals = day.usageDb().ledger.rentals.open("cs61c-aa")
    expect(rentals.map(({ rentalId }) => rentalId).sort()).toEqual([...reply.ids].sort())
    expect((await ask({ ...volumes, cluster: { name: "wc", roles: ["dn"] } })).reply.ids).toEqual(reply.ids)
    expect((await ask(volumes)).reply.error.code).toBe("IdempotentParameterMismatch")
    expect(await described()).toHaveLength(2)
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
    const later = { now: () => Date.now() + 10 * 60_000, sleep: async () => {} }
    const deps = depsOf(day.course, { login: "cs61c-aa", clock: later })
    await settleReservations(deps)
    deps.close()
    expect(day.usageDb().reservations.pending("cs61c-aa")).toEqual([])
    const rentals = day.usageDb().ledger.rentals.open("cs61c-aa")
    expect(rentals.map(({ rentalId }) => rentalId)).toContain(volume?.VolumeId ?? "")
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
