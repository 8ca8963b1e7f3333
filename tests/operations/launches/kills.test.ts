/** kill -9 at every point of a launch and of a restart: after settling, AWS and the ledger agree to the instance. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { utcMsOf } from "../../../lib/base/time.ts"
import { fallbackPoints, faultPoints } from "../../../lib/operations/launches/deps.ts"
import { settleReservations } from "../../../lib/operations/launches/settle.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { depsOf } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const script = join(import.meta.dir, "../../support/launch_to_the_fault.ts")

async function killedAt(
  point: string,
  what: "launch" | "start",
  subject: string,
  ...types: string[]
): Promise<unknown> {
  const argv = [process.execPath, script, day.course.configPath, student, point, what, subject, ...types]
  const child = Bun.spawn(argv, { env: { PATH: "/usr/bin:/bin" }, stdout: "pipe", stderr: "pipe" })
  await child.exited
  expect(await new Response(child.stderr).text()).toBe("")
  return child.signalCode
}

/** Later, when what is absent may be concluded from. */
async function settleLater(): Promise<void> {
  const later = { now: () => utcMsOf(Date.now() + 10 * 60_000), sleep: async () => {} }
  const deps = depsOf(day.course, { login: student, clock: later })
  await settleReservations(deps)
  deps.close()
}

async function expectAgreement(): Promise<void> {
  const usageDb = day.usageDb()
  const running = (await day.running()).map(({ InstanceId }) => InstanceId ?? "").sort()
  expect(usageDb.reservations.pending(null)).toEqual([])
  expect(
    usageDb.leases
      .open(student)
      .map(({ instanceId }) => instanceId)
      .sort(),
  ).toEqual(running)
  expect(
    usageDb.ledger
      .openInstances(student)
      .map(({ instanceId }) => instanceId)
      .sort(),
  ).toEqual(running)
}

describe("a launch killed", () => {
  for (const point of faultPoints) {
    test(`at "${point}" is settled by the next run`, async () => {
      const signal = await killedAt(point, "launch", emulator.fixtures.image)
      expect(signal).toBe("SIGKILL")
      const launched = (await day.running()).length
      expect([0, 2]).toContain(launched)
      // AWS has it: any tool's next run records it, however young it is
      if (launched === 2) expect((await day.run("ec2_active")).stdout).toContain("2 instances\n")
      await settleLater()
      await expectAgreement()
      expect((await day.running()).length).toBe(launched)
    })
  }

  const nextTools: [tool: string, args: string[], as: string][] = [
    ["ec2_util", ["--list"], student],
    ["usage_report", [], student],
    ["course_freeze", ["--dry-run"], "cs61c"],
    ["usage_cron", [], "cs61c"],
  ]
  for (const [tool, args, as] of nextTools) {
    test(`is settled by ${[tool, ...args].join(" ")} too`, async () => {
      await killedAt("launched", "launch", emulator.fixtures.image)
      const { code, stderr } = await day.run(tool, args, { as })
      expect([stderr, code]).toEqual(["", 0])
      await expectAgreement()
    })
  }

  test("is no reason for ec2_util to fail where EC2 does not answer", async () => {
    await killedAt("launched", "launch", emulator.fixtures.image)
    emulator.proxy.faults.add({ kind: "drop-before", service: "ec2", times: Number.POSITIVE_INFINITY })
    const { code, stderr } = await day.run("ec2_util", ["--list"])
    emulator.proxy.faults.clear()
    expect(stderr).toMatch(/^reservations not settled: [^\n]+\n$/)
    expect(code).toBe(0)
  })

  test("and not settled, since AWS does not say, keeps nobody from terminating", async () => {
    const [id = ""] = await day.launch()
    await killedAt("reserved", "launch", emulator.fixtures.image)
    emulator.proxy.faults.add({
      ...{ kind: "unavailable", action: "DescribeInstances", times: Number.POSITIVE_INFINITY },
      matches: ({ body }) => body.includes("reservation"),
    })
    const { stdout, stderr, code } = await day.run("ec2_active", ["--terminate-all"])
    emulator.proxy.faults.clear()
    expect(stderr).toMatch(/^reservations not settled: [^\n]+\n$/)
    expect(stdout).toContain(id)
    expect(code).toBe(0)
    expect(await day.running()).toEqual([])
  })

  test("before AWS has seen it counts in full while it is young", async () => {
    day.course.configure({ limits: { max_instances: 3 } })
    await killedAt("reserved", "launch", emulator.fixtures.image)
    const { stderr, code } = await day.run("ec2_runner", [
      "-a",
      emulator.fixtures.image,
      "-t",
      "m1.small",
      "-c",
      "2",
    ])
    expect(stderr).toStartWith("ec2_runner: launch: 2 launching + 2 asked = 4 instances, limit 3\n")
    expect(code).toBe(3)
    await settleLater()
    expect((await day.launch("-c", "2")).length).toBe(2)
  })
})

describe("a launch that EC2 has no room for at first, killed", () => {
  const after = faultPoints.slice(faultPoints.indexOf("launched"))
  for (const point of [...fallbackPoints, ...after]) {
    test(`at "${point}" is settled as one launch, at the price of what came`, async () => {
      const none = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f"]
      for (const zone of none) emulator.proxy.world.capacity.set(`m1.large@${zone}`, 0)
      emulator.proxy.world.capacity.set("m1.small@us-east-1a", 0)
      const image = emulator.fixtures.image
      expect(await killedAt(point, "launch", image, "m1.large,m1.small")).toBe("SIGKILL")
      const launched = (await day.running()).length
      expect(launched).toBe(after.includes(point as (typeof after)[number]) ? 2 : 0)
      const [pending] = day.usageDb().reservations.pending(null)
      // until it is settled, all of it is reserved at the dearest
      if (pending) expect([Number(pending.microUsdPerHour), pending.awaited]).toEqual([170_000, 2])
      await settleLater()
      await expectAgreement()
      const leases = day.usageDb().leases.open(student)
      expect(leases.map(({ microUsdPerHour }) => Number(microUsdPerHour))).toEqual(
        Array.from({ length: launched }, () => 85_000),
      )
    })
  }
})

describe("a restart killed", () => {
  for (const point of ["in admission", "reserved", "launched", "in settling", "settled"] as const) {
    test(`at "${point}" is settled by the next run`, async () => {
      const [id = ""] = await day.launch()
      await day.run("ec2_active", ["--stop", id, "--wait"])
      expect(await killedAt(point, "start", id)).toBe("SIGKILL")
      await day.run("ec2_active", ["--wait"])
      await settleLater()
      const usageDb = day.usageDb()
      expect(usageDb.reservations.pending(null)).toEqual([])
      const [instance] = await day.running()
      const runs = usageDb.ledger.runs.ofInstance(id).filter(({ end }) => end === null)
      expect(runs.length).toBe(instance?.State?.Name === "running" ? 1 : 0)
      expect(usageDb.leases.of(id)?.stoppedAtUtcMs === null).toBe(instance?.State?.Name === "running")
    })
  }

  test("and settled by two tools at once is settled once, and what was done since holds", async () => {
    const [id = ""] = await day.launch()
    await day.run("ec2_active", ["--stop", id, "--wait"])
    await killedAt("launched", "start", id)
    const deps = depsOf(day.course, { login: student })
    const ec2 = await deps.aws.ec2()
    const { endsAtUtcMs: before = 0 } = deps.usageDb.leases.of(id) ?? {}
    const extended = before + 20 * 60 * 60_000
    const listing: typeof ec2.instances = async (filter) => {
      const listed = await ec2.instances(filter)
      await settleReservations(deps)
      deps.usageDb.transaction(() => deps.usageDb.leases.extend(id, utcMsOf(extended)))
      return listed
    }
    const aws = Object.assign(Object.create(deps.aws), { ec2: async () => ({ ...ec2, instances: listing }) })
    await settleReservations({ ...deps, aws })
    expect(deps.usageDb.leases.of(id)?.endsAtUtcMs).toBe(utcMsOf(extended))
    const audit = await Bun.file(deps.config.paths.auditLog).text()
    expect(audit.match(/settled [-0-9a-f]{36}: found/g)).toHaveLength(1)
    deps.close()
  })
})
