import { afterAll, beforeAll, expect, test } from "bun:test"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"

let emulator: Emulator
let day: CourseDay
beforeAll(async () => {
  emulator = await startEmulator()
  day = await courseDay(emulator, { limits: { instance_types: ["t3.*", "m1.small"] } } as never)
})
afterAll(async () => {
  day.close()
  await emulator.stop()
})

const complete = async (kind: string, as = student) => {
  const { stdout, code } = await day.run("ec2_active", ["--complete", kind], { as })
  expect(code).toBe(0)
  return stdout.split("\n").filter((line) => line !== "")
}

test("instances are the caller's own, and AWS is not asked", async () => {
  const ids = await day.launch("-c", "2")
  await day.run("ec2_active", ["--terminate", ids[1] ?? ""])
  const asked = emulator.proxy.calls.length
  expect(await complete("instance")).toEqual(ids.slice(0, 1))
  expect(await complete("instance", "cs61c-ab")).toEqual([])
  expect(emulator.proxy.calls.length).toBe(asked)
})

test("types are those that the limits allow", async () => {
  const types = await complete("type")
  expect(types).toContain("t3.micro")
  expect(types).toContain("m1.small")
  expect(types.filter((type) => !type.startsWith("t3.") && type !== "m1.small")).toEqual([])
})

test("keys are the caller's own, and a student sees no logins", async () => {
  expect(await complete("key")).toEqual([`${student}-default`])
  expect(await complete("login")).toEqual([])
})
