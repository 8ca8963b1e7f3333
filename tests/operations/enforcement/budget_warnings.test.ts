/** A budget that warns its owner: each percentage once, by mail and by the next tool; and what usage_report says of it. */
import { afterAll, expect, test } from "bun:test"
import { utcMsOf } from "../../../lib/base/time.ts"
import { enforce } from "../../../lib/operations/enforcement/enforce.ts"
import { courseDay, student } from "../../support/course_day.ts"
import { depsOf } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
afterAll(() => emulator.stop())

test("an owner hears of each percentage once, of several at once the highest", async () => {
  // Of a launch, the first minute is charged at once.
  const day = await courseDay(emulator, { limits: { budget: 1 } })
  await day.launch()
  let ahead = 0
  const clock = { now: () => utcMsOf(Date.now() + ahead), sleep: async () => {} }
  const deps = depsOf(day.course, { login: student, clock })
  const mails = () => deps.told.splice(0).map(({ login, subject }) => `${login}: ${subject}`)
  expect((await enforce(deps, { dryRun: false })).failures).toEqual([])
  expect(mails()).toEqual([])

  day.course.configure({ limits: { budget: 0.002 } })
  const poor = depsOf(day.course, { login: student, clock })
  const dry = await enforce(poor, { dryRun: true })
  expect(dry.lines).toContain(`warn ${student}: 50 % of the budget is spent`)
  expect(poor.told).toEqual([])
  for (let run = 0; run < 2; run += 1) await enforce(poor, { dryRun: false })
  expect(poor.told.map(({ login, subject }) => `${login}: ${subject}`)).toEqual([
    `${student}: 50 % of your budget is spent`,
  ])
  const { stderr } = await day.run("usage_report", ["--offline"])
  expect(stderr).toMatch(/^You have spent \$0\.00 of \$0\.00, more than 50 % of your budget\./)
  // The line about the budget is for terminals: programs read what the old tool wrote.
  expect((await day.run("usage_report", ["--offline"])).stderr).toBe("")
  const { stdout } = await day.run("usage_report", ["--offline", "--json"])
  expect(JSON.parse(stdout).budget).toMatchObject({ limit_usd: 0.002, left_usd: expect.any(Number) })
  expect((await day.run("usage_report", ["--offline"])).stdout).not.toContain("budget")

  ahead = 5 * 60_000
  await enforce(poor, { dryRun: false })
  expect(poor.told.map(({ subject }) => subject)).toEqual([
    "50 % of your budget is spent",
    "95 % of your budget is spent",
  ])
  deps.close()
  poor.close()
  day.close()
})
