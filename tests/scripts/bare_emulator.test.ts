/** The same tools against moto as it comes, without the proxy that adds what it lacks. */
import { afterAll, expect, test } from "bun:test"
import { startEmulator } from "../support/emulator.ts"
import { type RunOptions, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
const course = workspace({
  endpoint: emulator.bareEndpoint,
  config: { launch: { image: emulator.fixtures.image, instance_type: "t3.micro" } },
})
afterAll(async () => {
  course.remove()
  await emulator.stop()
})

test("a course's day works on the bare emulator", async () => {
  const run = async (login: string, tool: string, args: string[] = [], options: RunOptions = {}) => {
    const { stdout, stderr, code } = await course.run(tool, args, { as: login, ...options })
    expect({ tool, stderr: code === 0 ? "" : stderr, code }).toEqual({ tool, stderr: "", code: 0 })
    return stdout
  }
  const [staff, student] = ["cs61c", "cs61c-ab"]
  await run(staff, "init_dbs")
  await run(staff, "setup")
  expect(await run(student, "ec2_util", ["--init"])).toContain("Creating account...")
  expect(await run(student, "ec2_util", ["--init"])).toContain("Using existing account.")
  const ids = JSON.parse(await run(student, "ec2_runner", ["--count", "2", "--wait"])) as string[]
  expect(ids).toHaveLength(2)
  expect(await run(student, "ec2_active")).toContain(ids[0] ?? "")
  const reserved = async () => {
    const { budget } = JSON.parse(await run(student, "ec2_active", ["--quota", "--json"]))
    return budget.reserved as number
  }
  const before = await reserved()
  await run(staff, "usage_cron")
  // root volumes go with their instances, though moto's DescribeVolumes does not say so
  expect(await reserved()).toBeWithin(0, before + 0.000001)
  expect(await run(staff, "usage_report", ["ALL"])).toContain("cs61c-ab")
  await run(student, "ec2_active", ["--terminate-all", "--wait"])
  await run(staff, "usage_cron")
  expect(await run(student, "usage_report")).toContain("Usage report for cs61c-ab:")
  await run(staff, "kill_all_accounts", [], { stdin: "cs61c\n" })
  expect(await run(staff, "kill_all_accounts", [], { stdin: "cs61c\n" })).not.toContain("cs61c-ab")
})
