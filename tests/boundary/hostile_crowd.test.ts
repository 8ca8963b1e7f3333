/** Five minutes of what `npm run soak:hostile` does for an hour. */
import { describe, expect, test } from "bun:test"
import { attackForAWhile, judge } from "../support/hostile_crowd.ts"
import { whyNoNamespaces } from "./host.ts"

const skipped = whyNoNamespaces() !== null

describe.skipIf(skipped)("hostile students, as in npm run soak:hostile", () => {
  test("keep no honest student, no staff and no cron waiting, no instance running, and fill nothing", async () => {
    const seconds = Number(process.env.TEST_HOSTILE_SECONDS ?? 300)
    const report = await attackForAWhile({ seconds, hostile: 4, honest: 2, seed: 5 })
    expect({ wrong: judge(report, { isShared: true }), report }).toEqual({ wrong: [], report })
    expect(report.commands).toBeGreaterThan(seconds / 10)
    expect(report.launched).toBeGreaterThan(2)
    expect(Object.values(report.attacks).filter((count) => count > 0).length).toBeGreaterThan(3)
  }, 1_200_000)
})
