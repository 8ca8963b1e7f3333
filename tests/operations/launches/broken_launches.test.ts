/** Launches whose connection, AWS or disk fails in the middle: afterwards AWS and the ledger agree to the instance. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { compiledTool } from "../../support/build.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { startEmulator } from "../../support/emulator.ts"
import { noteSkipped } from "../../support/skips.ts"
import { smallDisk, whyNoSmallDisk } from "../../support/small_disk.ts"
import { disagreementsAfterSettling } from "../../support/syscall_kills.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
  await day.launch()
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const always = Number.POSITIVE_INFINITY
const argv = () => ["-a", emulator.fixtures.image, "-t", "m1.small", "-c", "2"]

describe("a launch", () => {
  const { faults } = emulator.proxy
  const cases: [what: string, launched: number, code: number, arrange: () => unknown][] = [
    ["whose reply is lost", 2, 0, () => faults.add({ kind: "drop-after", action: "RunInstances" })],
    ["that gets half an answer", 2, 0, () => faults.add({ kind: "half-answer", action: "RunInstances" })],
    [
      "that is throttled for good",
      0,
      1,
      () => faults.add({ kind: "throttle", action: "RunInstances", times: always }),
    ],
    [
      "whose endpoint is gone before it is carried out",
      0,
      1,
      () => faults.add({ kind: "drop-before", action: "RunInstances", onArrival: goneFromNowOn }),
    ],
    [
      "whose endpoint is gone after it was carried out",
      2,
      1,
      () => faults.add({ kind: "drop-after", action: "RunInstances", onceDone: goneFromNowOn }),
    ],
  ]
  const goneFromNowOn = () => {
    faults.add({ kind: "drop-before", times: always })
  }
  for (const [what, launched, code, arrange] of cases) {
    test(`${what} is known to the instance`, async () => {
      arrange()
      const run = await day.run("ec2_runner", argv())
      faults.clear()
      expect(await day.running()).toHaveLength(1 + launched)
      expect(await disagreementsAfterSettling(day)).toEqual([])
      const errors = run.stderr.split("\n").filter((line) => line.startsWith("ec2_runner: "))
      expect(errors).toHaveLength(code === 0 ? 0 : 1)
      expect(run.code).toBe(code)
    })
  }
})

const reason = whyNoSmallDisk()
if (reason !== null) noteSkipped(`launches on a full disk: ${reason}`)

describe.skipIf(reason !== null)("a launch on a disk that is full", () => {
  for (const [when, action, launched] of [
    ["before it is admitted", "DescribeInstances", 0],
    ["before AWS answers", "RunInstances", 2],
  ] as const) {
    test(`${when} is known to the instance once there is room`, async () => {
      const { course } = day
      const disk = await smallDisk(course)
      const env = `HOME=${course.home(student)} REAL_USERNAME=${student} EC2_WRAPPERS_CONFIG=${course.configPath}`
      const run = (tool: string, args: string[]) =>
        disk.inside(`${env} exec ${compiledTool(tool)} ${args.join(" ")}`)
      try {
        emulator.proxy.faults.add({ kind: "watched", action, onArrival: () => disk.fill() })
        const { stderr, code } = await run("ec2_runner", argv())
        expect(stderr).toMatch(/^ec2_runner: [^\n]*(full|space)[^\n]*\n(ec2_runner: [^\n]*\n)*$/i)
        expect(code).toBe(1)
        expect(await day.running()).toHaveLength(1 + launched)
        await disk.free()
        expect((await run("ec2_active", [])).stdout).toContain(`${1 + launched} instance`)
        await disk.inside(`cp -a ${course.dataDir} ${course.directory}/after`)
      } finally {
        await disk.end()
      }
      await Bun.$`rm -r ${course.dataDir} && mv ${course.directory}/after ${course.dataDir}`.quiet()
      expect(await disagreementsAfterSettling(day)).toEqual([])
    })
  }
})
