/** Starting again what was stopped: how long it may still run, and what that reserves. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { RunInstancesCommand, StopInstancesCommand } from "@aws-sdk/client-ec2"
import { tagOf } from "../../../lib/base/instance.ts"
import { microUsdOf } from "../../../lib/base/money.ts"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { leaseTerms } from "../../../lib/decisions/launches/worst_case.ts"
import { type Changed, end, extend, start } from "../../../lib/operations/launches/change.ts"
import { launch } from "../../../lib/operations/launches/launch.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { handAt } from "../../support/databases.ts"
import { clockOf, depsOf, type TestDeps } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
const { proxy } = emulator
const hour = 3_600_000
const really = { dryRun: false }
let day: CourseDay
let deps: TestDeps

beforeEach(async () => {
  day = await courseDay(emulator, { leases: { default_hours: 4, max_hours: 10 } })
  proxy.world.clock.stop(Math.ceil(Date.now() / 1000) * 1000)
  deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
})
afterEach(() => {
  deps.close()
  day.close()
})
afterAll(() => emulator.stop())

async function launchOne(): Promise<string> {
  const order = { image_id: emulator.fixtures.image, instance_type: "m1.small", key_name: "default" }
  return (await launch(deps, toOrder(order))).instances[0]?.id ?? ""
}

/** Runs so long, and is then stopped for a day. */
async function runAndStop(id: string, ms: number): Promise<void> {
  await proxy.advance(ms)
  await end(deps, "stop", [id], really)
  await proxy.advance(24 * hour)
}

const leaseMs = (id: string) => (deps.usageDb.leases.of(id)?.endsAtUtcMs ?? 0) - deps.clock.now()

/** Why the lease of the one that was started is shorter than usual. */
const noteOf = ({ effects: [effect] }: Changed) =>
  effect?.kind === "start" ? effect.started[0]?.note : undefined

describe("a restart", () => {
  test("does not begin max_hours anew: what has run since the launch is used up", async () => {
    const id = await launchOne()
    await runAndStop(id, 3 * hour)
    expect(noteOf(await start(deps, [id], really))).toBe("")
    expect(leaseMs(id)).toBe(4 * hour)
    await runAndStop(id, 4 * hour)
    expect(noteOf(await start(deps, [id], really))).toMatch(
      /^3 h 00 min are left: 7 h 00 min run since its launch at .*, at most 10 h 00 min$/,
    )
    expect(leaseMs(id)).toBe(3 * hour)
    await expect(extend(deps, [id], hour, really)).rejects.toThrow(
      "would end 4 h 00 min after its start, which makes 11 h 00 min with the 7 h 00 min that it ran before, at most 10 h 00 min",
    )
    await runAndStop(id, 3 * hour)
    await expect(start(deps, [id], really)).rejects.toThrow(
      /cannot be started again: 10 h 00 min run since its launch at .*, at most 10 h 00 min; launch another \(ec2-run\) and --terminate this one/,
    )
    expect(deps.usageDb.reservations.pending(null)).toEqual([])
  })

  test("counts an instance stopped at AWS as stopped since then, however late we look", async () => {
    const id = await launchOne()
    await proxy.advance(hour)
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await proxy.advance(48 * hour)
    await start(deps, [id], really)
    expect(deps.usageDb.leases.of(id)?.ranBeforeMs).toBeLessThan(hour + 120_000)
    expect(leaseMs(id)).toBe(4 * hour)
  })

  test("shows its lease to the instance's own timer at once, which would end it at the last one's end", async () => {
    const id = await launchOne()
    await runAndStop(id, hour)
    await start(deps, [id], really)
    const [instance] = await day.running()
    const shown = instance?.Tags?.find(({ Key }) => Key === tagOf.leaseEnd)?.Value ?? ""
    expect(Date.parse(shown)).toBe(deps.usageDb.leases.of(id)?.endsAtUtcMs ?? 0)
  })

  test("of what the old tools launched reserves the address that it is charged for", async () => {
    const { Instances } = await emulator.ec2.send(
      new RunInstancesCommand({
        ...{ ImageId: emulator.fixtures.image, InstanceType: "m1.small", KeyName: `${student}-default` },
        ...{ MinCount: 1, MaxCount: 1 },
      }),
    )
    const id = Instances?.[0]?.InstanceId ?? ""
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await proxy.advance(hour)
    await start(deps, [id], really)
    expect(deps.usageDb.leases.of(id)?.addressMicroUsdPerHour).toBe(microUsdOf(5_000))
  })

  test("is refused for an image that may not be launched any more, and not for one that a listed name led to", async () => {
    proxy.world.clock.reset()
    const name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    const { stdout } = await day.run("ec2_runner", ["-t", "m1.small", "-a", name])
    const [named = ""] = JSON.parse(stdout)
    const [other = ""] = await day.launch()
    await day.run("ec2_active", ["--stop", named, other, "--wait"])
    // the name leads to another image today
    const db = handAt(`${day.course.dataDir}/usage.db`)
    db.run(`UPDATE lookups SET value = '"ami-0123"' WHERE kind = 'parameter'`)
    db.close()
    day.course.configure({ limits: { images: [name, "ami-0456"] } })
    const refused = await day.run("ec2_active", ["--start", other])
    expect(refused.stderr).toBe(
      `ec2_active: image: image ${emulator.fixtures.image} is not allowed, only ${name}, ami-0456\n`,
    )
    expect(refused.code).toBe(3)
    expect((await day.run("ec2_active", ["--start", named])).stdout).toStartWith(`Starting ${named}`)
  })

  test("is refused by ec2_active with its arithmetic, and in a dry run too", async () => {
    proxy.world.clock.reset()
    const [id = ""] = await day.launch()
    await day.run("ec2_active", ["--stop", id, "--wait"])
    const db = handAt(`${day.course.dataDir}/usage.db`)
    db.run("UPDATE leases SET run_started_at_utc_ms = run_started_at_utc_ms - 36000000")
    db.close()
    for (const options of [[], ["--dry-run"]]) {
      const { stdout, stderr, code } = await day.run("ec2_active", ["--start", id, ...options])
      expect(stderr).toMatch(
        /^ec2_active: i-\w+: cannot be started again: 10 h 00 min run since its launch at \S+, at most 10 h 00 min; launch another \(ec2-run\) and --terminate this one\n$/,
      )
      expect(stdout).toBe("")
      expect(code).toBe(3)
    }
  })

  test("of what is sold by the hour reserves started hours, also after the start, and at its own price", async () => {
    const operation = "RunInstances:000g"
    day.course.configure({
      prices: { on_demand: { "m1.small": 0.085, [`m1.small/${operation}`]: 0.115 } } as never,
      leases: { default_hours: 0.5, enforcement_minutes: 15 },
    })
    deps.close()
    deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
    const id = await launchOne()
    await runAndStop(id, 0.1 * hour)
    const ec2 = await deps.aws.ec2()
    const asSuse = async (filter?: object) =>
      (await ec2.instances(filter)).map((each) => ({ ...each, usageOperation: operation }))
    const suse: TestDeps = Object.create(deps, {
      aws: { value: { ...deps.aws, ec2: async () => ({ ...ec2, instances: asSuse }) } },
    })
    await start(suse, [id], really)
    const lease = deps.usageDb.leases.of(id)
    expect(lease?.usageOperation).toBe(operation)
    expect(lease?.microUsdPerHour).toBe(microUsdOf(115_000))
    // 45 minutes until enforcement are a started hour
    const other = depsOf(day.course, { login: "cs61c-ab", clock: clockOf(proxy) })
    const reserved = other.usageDb.leases.remainingOfOthers(
      "cs61c-ab",
      other.clock.now(),
      leaseTerms(other.config),
    )
    expect(reserved).toBeGreaterThanOrEqual(115_000)
    other.close()
  })
})
