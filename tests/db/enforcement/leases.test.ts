/** What leases have reserved is summed by SQL for a whole course, and by the decision's own arithmetic for one login. */

import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerHour, msPerMinute, utcMsOf } from "../../../lib/base/time.ts"
import type { Lease } from "../../../lib/db/enforcement/leases.ts"
import { leaseTerms, remainingCost } from "../../../lib/decisions/launches/worst_case.ts"
import { suseOperation } from "../../../lib/decisions/pricing/costs.ts"
import { exactly } from "../../../lib/decisions/usage/runs.ts"
import { systemClock as clock } from "../../../lib/host/clock.ts"
import { usageDbAt } from "../../support/databases.ts"

const directory = mkdtempSync(join(tmpdir(), "leases-"))
const db = usageDbAt({ path: join(directory, "usage.db"), clock, create: true })
afterAll(() => {
  db.close()
  rmSync(directory, { recursive: true })
})

const now = utcMsOf(Date.UTC(2026, 10, 22))
const lease = fc
  .record({
    microUsdPerHour: fc.integer({ min: 0, max: 40_000_000 }).map(microUsdOf),
    storageMicroUsdPerHour: fc.integer({ min: 0, max: 50_000 }).map(microUsdOf),
    addressMicroUsdPerHour: fc.constantFrom(0, 5000).map(microUsdOf),
    endsAtUtcMs: fc.integer({ min: now - msPerHour, max: now + 48 * msPerHour }).map(utcMsOf),
    stoppedAtUtcMs: fc.constantFrom(null, utcMsOf(now - 1)),
    usageOperation: fc.constantFrom("RunInstances", "RunInstances:0002", suseOperation),
    chargedSinceUtcMs: fc.option(
      fc.integer({ min: now - 5 * msPerHour, max: now + msPerMinute }).map(utcMsOf),
    ),
  })
  .map(
    (parts): Omit<Lease, "instanceId"> => ({
      ...{ login: "cs61c-aa", reservationId: "r", region: "us-east-1", instanceType: "m1.small" },
      ...{ market: "on-demand", keyName: "k", launchedAtUtcMs: now, runStartedAtUtcMs: now, ranBeforeMs: 0 },
      ...{ endedAtUtcMs: null, announcedEndUtcMs: null, terminationAtUtcMs: null, ...parts },
    }),
  )

const run = {
  ...{ zone: "us-east-1a", publicIpv4: null, end: null, endedByEc2: null, seenUtcMs: now },
}
let made = 0

test("the sum over others' leases is the sum of what each may still cost", () => {
  fc.assert(
    fc.property(
      fc.array(lease, { maxLength: 6 }),
      fc.constantFrom("second" as const, "hour" as const),
      fc.constantFrom(0, msPerMinute),
      fc.constantFrom(0, 15 * msPerMinute),
      (leases, granularity, minimumMs, enforcementMs) => {
        const terms = leaseTerms({
          leases: { action: "stop", stoppedMs: msPerHour, enforcementMs },
          billing: { granularity, minimumMs },
        } as never)
        const login = `cs61c-${made}`
        const ids = leases.map((each) => {
          made += 1
          const instanceId = `i-${made}`
          db.transaction(() => {
            db.leases.add({ ...each, instanceId })
            if (each.chargedSinceUtcMs !== null) {
              const start = exactly(each.chargedSinceUtcMs, "observed")
              db.ledger.addRun(null, { ...run, ...each, instanceId, start })
            }
          })
          return instanceId
        })
        const sum = leases.reduce(
          (total, each) =>
            total + remainingCost(each, { ...each, isRunning: each.stoppedAtUtcMs === null }, now, terms),
          0,
        )
        expect(db.leases.remainingOfOthers(login, now, terms)).toBe(microUsdOf(sum))
        db.transaction(() => {
          for (const id of ids) db.leases.ended(id, now)
        })
      },
    ),
    { numRuns: 100 },
  )
})
