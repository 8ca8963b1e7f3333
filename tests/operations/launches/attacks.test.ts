/** What a student who has read the source tries against limits and budget, through the real tools. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { type CourseDay, courseDay } from "../../support/course_day.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const active = (...args: string[]) => day.run("ec2_active", args)
const request = {
  image_id: emulator.fixtures.image,
  instance_type: "m1.small",
  key_name: "default",
}
const _asked = (changes: object) =>
  day.run("ec2_runner", ["--stdin-json"], { stdin: JSON.stringify({ ...request, ...changes }) })

describe("the budget", () => {
  test("starting two stopped instances at once, of which the budget has room for one, starts one", async () => {
    const ids = await day.launch("-c", "2", "--lease", "1m")
    await active("--stop", ...ids, "--wait")
    // a restart reserves 4 h at $0.085, the address and the volume: $0.38
    day.course.configure({ limits: { budget: 0.6 } })
    const { stderr, code } = await active("--start", ...ids)
    expect(stderr).toMatch(/reserved \+ \$[\d.]+ asked at most = \$[\d.]+, budget \$0\.60/)
    expect(code).toBe(3)
    const started = (await day.running()).filter(({ State }) => State?.Name !== "stopped")
    expect(started).toHaveLength(1)
  })
})
