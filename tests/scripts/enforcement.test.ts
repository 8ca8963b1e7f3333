/** `usage_cron --enforce` as crontab runs it. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { utcMsOf } from "../../lib/base/time.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const cron = (...args: string[]) => day.run("usage_cron", args, { as: "cs61c" })

describe("usage_cron --enforce", () => {
  test("prints in a dry run exactly what it then does", async () => {
    const [over = "", near = ""] = await day.launch("-c", "2")
    day.usageDb().leases.extend(over, utcMsOf(Date.now() - 60_000))
    day.usageDb().leases.extend(near, utcMsOf(Date.now() + 30 * 60_000))
    const dry = await cron("--enforce", "--dry-run")
    expect(dry.stderr).toBe("")
    expect(dry.stdout).toContain(`terminate ${over} of ${student} (m1.small): its lease ended 1 min ago`)
    expect(dry.stdout).toContain(`warn ${student}: the lease of ${near}`)
    expect(await day.running()).toHaveLength(2)
    const real = await cron("--enforce")
    expect(real.stdout).toBe(dry.stdout)
    expect(real.code).toBe(0)
    expect((await day.running()).map(({ InstanceId }) => InstanceId)).toEqual([near])
    const { stderr } = await day.run("ec2_active")
    expect(stderr).toContain(`The lease of ${near} (m1.small) ends in 29 minutes`)
    expect(stderr).toContain(`${over} (m1.small) was terminated: its lease ended`)
    expect((await day.run("ec2_active")).stderr).toBe("")
  })

  test("is what the plain crontab line does where the config says so", async () => {
    const [id = ""] = await day.launch()
    day.usageDb().leases.extend(id, utcMsOf(Date.now() - 60_000))
    expect((await cron()).stdout).toBe("")
    expect(await day.running()).toHaveLength(1)
    day.course.configure({ leases: { enforce: true } })
    expect((await cron()).stdout).toContain(`terminate ${id}`)
    expect(await day.running()).toEqual([])
  })

  test("reports once what was not launched through us, with what is known of it, and leaves it alone", async () => {
    const request = {
      ImageId: emulator.fixtures.image,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
    } as const
    const { Instances } = await emulator.ec2.send(new RunInstancesCommand(request))
    const dry = await cron("--enforce", "--dry-run")
    const { stderr } = await cron("--enforce")
    expect(stderr).toContain(`usage_cron: ${Instances?.[0]?.InstanceId} (t3.micro, us-east-1, `)
    expect(stderr).toContain("was not launched through us: nobody's, no key\n")
    expect(dry.stderr.replace(/running for .* s/, "")).toBe(stderr.replace(/running for .* s/, ""))
    for (const again of [["--dry-run"], []]) expect((await cron("--enforce", ...again)).stderr).toBe("")
    expect(await day.running()).toHaveLength(1)
  })
})
