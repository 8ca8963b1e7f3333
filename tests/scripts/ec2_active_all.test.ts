/** ec2-active ALL: what everybody has, for staff. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { RunInstancesCommand } from "@aws-sdk/client-ec2"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator, { limits: { course_budget: 1000 } })
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const all = (...args: string[]) => day.run("ec2_active", ["ALL", ...args], { as: "cs61c-ta" })
const stranger = async () => {
  const made = await emulator.ec2.send(
    new RunInstancesCommand({
      ImageId: emulator.fixtures.image,
      InstanceType: "m1.small",
      MinCount: 1,
      MaxCount: 1,
    }),
  )
  return made.Instances?.[0]?.InstanceId ?? ""
}

describe("ec2_active ALL", () => {
  test("shows whose each is, since when, until when, its price and cost, and how far the budgets are", async () => {
    const [mine = ""] = await day.launch()
    const large = await day.run("ec2_runner", ["-a", emulator.fixtures.image, "-t", "m1.large"], {
      as: "cs61c-ab",
    })
    const [theirs = ""] = JSON.parse(large.stdout)
    const alien = await stranger()
    const { stdout, stderr, code } = await all()
    expect([stderr, code]).toEqual(["", 0])
    const lines = stdout.split("\n")
    expect(lines[0]).toMatch(
      /^Instance +Type +Owner +State +Region +Since +Lease ends in +Price\/h +Cost so far +Budget used$/,
    )
    expect(lines[1]).toMatch(
      new RegExp(
        `^${mine} +m1.small +${student} +running +us-east-1 +\\S+ s? +3 h 59 min +\\$0.085 +\\$.* 0% of \\$100.00$`,
      ),
    )
    expect(lines[2]).toMatch(new RegExp(`^${theirs} +m1.large +cs61c-ab .* \\$0.17 `))
    expect(lines[3]).toMatch(/^2 instances of 2 owners, 2 running at \$0.255\/h, \$\S+ so far$/)
    expect(lines.find((line) => line.includes(alien))).toMatch(
      /^stranger +i-\w+ +m1.small +\(nobody\) .* none /,
    )
    expect(stdout).toMatch(/\ncs61c: \$\S+ spent of \$1000.00, \$\S+ left\n$/)
    const sorted = (await all("--sort", "price")).stdout.split("\n")
    expect([sorted[1]?.split(" ")[0], sorted[2]?.split(" ")[0]]).toEqual([theirs, mine])
    const one = (await all("--user", "cs61c-ab")).stdout
    expect(one).toContain(theirs)
    expect(one).not.toContain(mine)
    expect(one).not.toContain(alien)
    const json = JSON.parse((await all("--json")).stdout)
    expect(
      json.instances.map((instance: { id: string; kind: string }) => [instance.id, instance.kind]),
    ).toEqual([
      [alien, "stranger"],
      [mine, "leased"],
      [theirs, "leased"],
    ])
    expect(json.total).toMatchObject({ instances: 3, running: 3, users: 3, hourly_cost: 0.34, unpriced: 0 })
    expect(json.course).toMatchObject({ budget_usd: 1000 })
    expect(json.users.find(({ user }: { user: string }) => user === student).budget_usd).toBe(100)
  })

  test("says who is frozen, and shows the ledger's view where EC2 does not answer", async () => {
    const [mine = ""] = await day.launch()
    await day.run("course_freeze", ["--yes", "--reason", "drill"], { as: "cs61c" })
    const clear = emulator.proxy.faults.add({
      kind: "drop-before",
      action: "DescribeInstances",
      times: Number.POSITIVE_INFINITY,
    })
    const { stdout, stderr, code } = await all()
    clear()
    expect(stdout).toMatch(/^cs61c is frozen since \S+ by cs61c: drill\n/)
    expect(stdout).toContain(mine)
    expect(stderr).toMatch(/^ec2_active: us-east-1 as last recorded, EC2 does not answer: /)
    expect(code).toBe(0)
  })

  test.each([
    [["--terminate"], 2, "ALL only shows, leave --terminate out (course_freeze ends instances)"],
    [["i-0a1b2c3d"], 2, "ALL shows everybody's instances, leave i-0a1b2c3d out"],
    [["--user", "not a login"], 2, '--user "not a login" is no login'],
  ])("refuses %p", async (args: string[], code, message) => {
    const refused = await all(...args)
    expect(refused.stderr).toContain(message)
    expect(refused.code).toBe(code)
  })

  test("is for the staff, and its options need it", async () => {
    const student = await day.run("ec2_active", ["ALL"])
    expect(student.stderr).toBe(
      "ec2_active: ALL: cs61c-aa may see their own instances only, not everybody's; staff may\n",
    )
    expect(student.code).toBe(3)
    expect((await day.run("ec2_active", ["--sort", "cost"])).stderr).toContain(
      "--sort needs ALL: ec2-active ALL --sort",
    )
  })
})
