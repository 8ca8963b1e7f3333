import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { oldRules, putOldDatabase } from "../support/old_database.ts"
import { type Workspace, workspace } from "../support/tools.ts"

let emulator: Emulator
let course: Workspace
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator.stop())
beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint, config: oldRules })
})
afterEach(() => course.remove())

describe("usage_cron --repair", () => {
  test("finds a phantom that runs for ever, shows its plan, and closes it with its bounds", async () => {
    putOldDatabase(course)
    const plan = await course.run("usage_cron", ["--repair", "--dry-run"])
    expect(plan.stderr).toBe("")
    expect(plan.stdout).toStartWith(
      "i-00000008 (cs61c-ad): last seen 2010-11-07T14:24:00Z, missing when the old cron looked next",
    )
    expect(plan.stdout).toContain("1 row would be closed")
    const phantom = await course.run("usage_report", ["cs61c-ad", "--offline"])
    expect(phantom.stdout).toContain("Running instances:")
    expect(await course.run("usage_cron", ["--repair"])).toMatchObject({ code: 0 })
    const closed = await course.run("usage_report", ["cs61c-ad", "--offline"])
    expect(closed.stdout).not.toContain("Running instances:")
    const { stdout } = await course.run("usage_report", ["--explain", "i-00000008"])
    expect(stdout).toContain("between 2010-11-07T14:24:00Z and 2010-11-07T16:48:00Z")
    expect((await course.run("usage_cron", ["--repair"])).stdout).toContain(
      "no row of the old tools runs for ever",
    )
  })
})
