import { describe, expect, test } from "bun:test"
import { attackForAWhile } from "../support/hostile_crowd.ts"
import { whyNoNamespaces } from "./host.ts"

const skipped = whyNoNamespaces() !== null

describe.skipIf(skipped)("hostile students, as in npm run soak:hostile", () => {
  test("keep no honest student, no staff and no cron waiting", async () => {
    const report = await attackForAWhile({ seconds: 45, hostile: 4, honest: 2, seed: 5 })
    expect(report.commands).toBeGreaterThan(10)
    // On a machine that is overloaded an honest run may be the one that keeps a lock too long, and ends.
    expect(report.failed.length).toBeLessThanOrEqual(report.commands / 20)
    expect(Math.max(...Object.values(report.attacks))).toBeGreaterThan(0)
    expect(Math.max(...Object.values(report.slowestMs))).toBeLessThan(15_000)
    // A database's log may have 4 MiB.
    expect(report.grownBytes).toBeLessThan(10_000_000)
  }, 240_000)
})
