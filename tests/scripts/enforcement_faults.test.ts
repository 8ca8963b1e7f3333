/** `usage_cron --enforce`, or the plain line where the config says so, while AWS does not answer as it should. */

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { utcMsOf } from "../../lib/base/time.ts"
import type { FaultKind } from "../emulator/faults.ts"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { startEmulator } from "../support/emulator.ts"
import { everythingRecorded } from "../support/recorded.ts"

const emulator = await startEmulator()
let day: CourseDay
/** Its lease has ended; the other's ends soon. */
let over: string
let near: string
beforeEach(async () => {
  day = await courseDay(emulator)
  ;[over = "", near = ""] = await day.launch("-c", "2")
  expect(await cron()).toEqual({ stdout: "", stderr: "", code: 0 })
  day.usageDb().leases.extend(over, utcMsOf(Date.now() - 60_000))
  day.usageDb().leases.extend(near, utcMsOf(Date.now() + 30 * 60_000))
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const cron = (...args: string[]) => day.run("usage_cron", args, { as: "cs61c" })
const recorded = () => everythingRecorded(`${day.course.dataDir}/usage.db`)
const isDown = { aws: { endpoint: "http://127.0.0.1:9" } }
const always = Number.POSITIVE_INFINITY

const ways: [says: string, args: string[], config: { leases?: { enforce: boolean } }][] = [
  ["usage_cron --enforce", ["--enforce"], {}],
  ["usage_cron with [leases] enforce", [], { leases: { enforce: true } }],
  ["usage_cron --enforce --dry-run", ["--enforce", "--dry-run"], {}],
]

/** As far as cron can say it: in one line, and nothing is done or forgotten. */
async function expectOneLineAndNothingLost(args: string[]): Promise<string> {
  const before = recorded()
  const { stdout, stderr, code } = await cron(...args)
  expect(stderr).toMatch(/^usage_cron: [^\n]+\n$/)
  expect([stdout, code]).toEqual(["", 1])
  expect(recorded()).toEqual(before)
  emulator.proxy.faults.clear()
  expect(await day.running()).toHaveLength(2)
  return stderr
}

/** All that was due, exactly once. */
async function expectNextRunRight(): Promise<void> {
  emulator.proxy.faults.clear()
  day.course.configure({})
  const { stdout, stderr, code } = await cron("--enforce")
  expect([stderr, code]).toEqual(["", 0])
  expect(stdout).toContain(`terminate ${over} of ${student}`)
  expect(stdout).toContain(`warn ${student}: the lease of ${near}`)
  expect((await day.running()).map(({ InstanceId }) => InstanceId)).toEqual([near])
  expect(await cron("--enforce")).toEqual({ stdout: "", stderr: "", code: 0 })
}

for (const [says, args, config] of ways) {
  describe(`${says} while EC2`, () => {
    const kinds: [FaultKind, string][] = [
      ["throttle", "throttles"],
      ["unavailable", "is overloaded"],
      ["html-error", "hides behind a proxy's error page"],
      ["drop-before", "resets the connection"],
      ["half-answer", "answers half a page"],
      ["garbage", "answers garbage"],
    ]
    // A throttled call is tried again for a quarter of a minute; one way is enough.
    for (const [kind, happens] of args.length === 1 ? kinds : kinds.slice(1)) {
      test(`${happens}: one line, nothing lost, and the next run does it all`, async () => {
        emulator.proxy.faults.add({ kind, action: "DescribeInstances", times: always })
        day.course.configure(config)
        await expectOneLineAndNothingLost(args)
        await expectNextRunRight()
      })
    }

    test("is down: one line that names the endpoint, nothing lost, and the next run does it all", async () => {
      day.course.configure({ ...isDown, ...config })
      expect(await expectOneLineAndNothingLost(args)).toContain("127.0.0.1:9")
      await expectNextRunRight()
    })
  })
}

test("usage_cron --enforce whose listing comes and nothing after it says both that are missing", async () => {
  emulator.proxy.faults.add({ kind: "unavailable", action: "DescribeInstances", skip: 1, times: always })
  emulator.proxy.faults.add({ kind: "garbage", action: "DescribeVolumes", times: always })
  const { stdout, stderr, code } = await cron("--enforce")
  expect(stderr).toMatch(
    /^usage_cron: volumes and addresses not read: [^\n]+\nusage_cron: describe instances: [^\n]+\n$/,
  )
  expect([stdout, code]).toEqual(["", 1])
  await expectNextRunRight()
})

describe("usage_cron --enforce while TerminateInstances", () => {
  const kinds: [FaultKind, string][] = [
    ["throttle", "throttles"],
    ["unavailable", "is overloaded"],
    ["drop-before", "loses the connection"],
  ]
  for (const [kind, happens] of kinds) {
    test(`${happens}: says what it could not end, warns whom it should, and the next run ends it`, async () => {
      emulator.proxy.faults.add({ kind, action: "TerminateInstances", times: always })
      const { stdout, stderr, code } = await cron("--enforce")
      expect(stderr).toMatch(new RegExp(`^usage_cron: [^\n]*${over}[^\n]*\n$`))
      expect(stdout).toContain(`warn ${student}: the lease of ${near}`)
      expect(code).toBe(1)
      emulator.proxy.faults.clear()
      expect(await day.running()).toHaveLength(2)
      const next = await cron("--enforce")
      expect([next.stderr, next.code]).toEqual(["", 0])
      expect(next.stdout).toMatch(new RegExp(`^terminate ${over} of ${student}[^\n]*\n$`))
      expect((await day.running()).map(({ InstanceId }) => InstanceId)).toEqual([near])
    })
  }

  test("is done but its answer lost: says so, and the next run finds it gone", async () => {
    emulator.proxy.faults.add({ kind: "half-answer", action: "TerminateInstances", times: always })
    const { stderr, code } = await cron("--enforce")
    expect(stderr).toMatch(new RegExp(`^usage_cron: [^\n]*${over}[^\n]*\n$`))
    expect(code).toBe(1)
    emulator.proxy.faults.clear()
    expect((await day.running()).map(({ InstanceId }) => InstanceId)).toEqual([near])
    const next = await cron("--enforce")
    expect(next.stdout).not.toContain("terminate")
    expect([next.stderr, next.code]).toEqual(["", 0])
  })
})
