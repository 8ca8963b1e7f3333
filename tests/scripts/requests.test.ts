/** A student asks for more, staff answers, and the limits follow until the grant's end. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator, { limits: { max_instances: 1, budget: 20, course_budget: 50 } })
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const ask = (request: string, reason = "project 3", as = student) =>
  day.run("ec2_util", ["--request", request, "--reason", reason], { as })
const requests = (args: string[], env: Record<string, string> = {}) =>
  day.run("requests", args, { as: "cs61c", env })
const tryLaunch = () => day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.small"])

describe("requests", () => {
  test("go from a refusal to a grant, and the student is told", async () => {
    const [id = ""] = await day.launch()
    const refused = await tryLaunch()
    expect(refused.stderr).toBe(
      "ec2_runner: launch: 1 running + 1 asked = 2 instances, limit 1\n" +
        'ask for more: ec2-util --request max_instances=2 --reason "why you need it"\n',
    )
    expect(refused.code).toBe(3)
    const asked = await ask("max_instances=2", "two\nnodes <!channel>")
    expect(asked.stdout).toBe("request 1 (max_instances 2) is with your course's staff; you will be told\n")
    expect((await ask("budget=30")).stderr).toContain(
      "request 1 (max_instances 2) is open; ec2-util --request withdraw",
    )
    expect((await requests(["list"])).stdout).toContain("request 1 (max_instances 2) of cs61c-aa")
    expect((await requests(["list"])).stdout).toContain(": two\\nnodes <!channel>\n")
    const granted = await requests(["grant", "1", "--for", "2h"])
    expect(granted.stdout).toMatch(/^cs61c-aa: request 1 is granted: max_instances 2 until \S+\n$/)
    const second = await tryLaunch()
    expect(second.stderr).toContain("Your request 1 is granted: max_instances 2 until ")
    expect(second.code).toBe(0)
    // When it ends, what was admitted runs on, and nothing is extended.
    expect((await requests(["end", "1"])).code).toBe(0)
    expect(await day.running()).toHaveLength(2)
    const extended = await day.run("ec2_active", ["--extend", id, "1h"])
    expect(extended.stderr).toMatch(
      /extend: the grant of max_instances 2 ended at \S+, and what runs is beyond the limits/,
    )
    expect(extended.code).toBe(3)
    const audit = await Bun.file(`${day.course.dataDir}/audit-log`).text()
    expect(audit).toContain("request 1: max_instances 2: two\\nnodes")
    expect(audit).toContain("request 1 is granted")
  })

  test("count once, however many grant them at once, and stay within the course's budget", async () => {
    await ask("budget=500")
    const both = await Promise.all([requests(["grant", "1"]), requests(["grant", "1"])])
    expect(both.map(({ code }) => code).toSorted()).toEqual([0, 3])
    expect(JSON.parse((await requests(["list", "--json"])).stdout).grants).toHaveLength(1)
    day.course.configure({
      limits: {
        max_instances: 400,
        max_hourly_cost: 1000,
        max_storage_gib: 90000,
        course_budget: 50,
        budget: 20,
      },
    })
    const refused = await day.run("ec2_runner", [
      "-a",
      emulator.fixtures.image,
      "-t",
      "m1.small",
      "--count",
      "300",
    ])
    expect(refused.stderr).toMatch(/launch: the course: .*, budget \$50\.00\n$/)
  })

  test("are granted by nobody to himself, and by staff alone", async () => {
    await ask("budget=30", "because", "cs61c")
    const own = await requests(["grant", "1"])
    expect(own.stderr).toContain("request: 1 is cs61c's own")
    await ask("budget=30")
    expect((await requests(["grant", "2"], { SUDO_USER: student })).code).toBe(3)
    expect((await day.run("requests", ["grant", "2"])).stderr).toContain("is not on the staff")
    const denied = await requests(["deny", "2", "--reason", "no"], { SUDO_USER: "cs61c-ta" })
    expect(denied.stdout).toBe("cs61c-aa: request 2 (budget $30.00) is denied: no\n")
    expect((await requests(["list"])).stdout).toContain("denied by cs61c (cs61c-ta), no\n")
    expect((await requests(["grant", "2"])).stderr).toContain("request: 2 is denied by")
  })

  test("are withdrawn, and are few a day", async () => {
    for (let n = 0; n < 5; n++) {
      expect((await ask("budget=30")).code).toBe(0)
      expect((await day.run("ec2_util", ["--request", "withdraw"])).code).toBe(0)
    }
    expect((await ask("budget=30")).stderr).toContain("5 requests within a day are enough")
  }, 60_000)
})
