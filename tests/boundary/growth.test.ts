/** A hostile student's requests, as fast as they come: what the data directory grows by in a day has a bound. */

import { describe, expect, test } from "bun:test"
import { statSync } from "node:fs"
import { join } from "node:path"
import { utcMsOf } from "../../lib/base/time.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { auditLog } from "../../lib/host/files/audit.ts"
import { scratchDirectory } from "../support/scratch.ts"

const mib = 1024 * 1024

describe("what a student's requests add to the data directory", () => {
  test("a day of refusals with 38 kB of text each, two a second, adds less than 3 MB to the audit log", () => {
    const directory = scratchDirectory("growth")
    const path = join(directory, "audit-log")
    const start = utcMsOf(Date.UTC(2026, 10, 22))
    let now = start
    const log = auditLog(
      path,
      { ...systemClock, now: () => now },
      { sharesDirectory: join(directory, "shares") },
    )
    // beyond the bound of an hour nothing is written: fifty requests stand for thousands
    for (; now < start + 86_400_000; now = utcMsOf(now + 3_600_000 / 50))
      log.record("cs61c-ab", `launch refused: ${"x".repeat(38_000)}`, "refusal")
    expect(statSync(path).size).toBeLessThan(3 * mib)
    expect(statSync(path).size).toBeGreaterThan(mib)
  })
})
