/** Admissions per second, from two processes at once, over a ledger with a course's leases in it. */

import { join } from "node:path"
import { microUsdOf } from "../../lib/base/money.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { openUsageDb } from "../../lib/db/usage_db.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { workspace } from "../support/tools.ts"
import type { Bench } from "./support/figures.ts"

const processes = 2
const milliseconds = 3_000
const leases = 2_000

export const bench: Bench = {
  what: `admissions by ${processes} processes into one database with ${leases.toLocaleString("en")} open leases and a course budget`,
  async run() {
    const course = workspace({
      config: {
        limits: { max_hourly_cost: 1e6, max_instances: 100_000, budget: 1e7, course_budget: 1e9 },
      },
    })
    try {
      await course.run("init_dbs")
      addLeases(join(course.dataDir, "usage.db"))
      const script = join(import.meta.dir, "support/admit_many.ts")
      const counts = await Promise.all(
        Array.from({ length: processes }, async (_, index) => {
          const argv = [process.execPath, script, course.configPath, `p${index}`, String(milliseconds)]
          const child = Bun.spawn(argv, { stdout: "pipe", stderr: "inherit" })
          return Number(await new Response(child.stdout).text())
        }),
      )
      const admitted = counts.reduce((sum, count) => sum + count, 0)
      const perSecond = (admitted * 1000) / milliseconds
      return [
        {
          what: "admissions per second",
          measured: `${perSecond.toFixed(0)}/s`,
          reference: "",
          value: perSecond,
          target: 500,
          wanted: "at least" as const,
          unit: "/s",
        },
        {
          what: "the slower process's part, of what would be its half",
          measured: `${Math.min(...counts)} of ${admitted}`,
          reference: "",
          value: (Math.min(...counts) * processes) / admitted,
          target: 0.25,
          wanted: "at least" as const,
        },
      ]
    } finally {
      course.remove()
    }
  },
}

function addLeases(path: string): void {
  const db = openUsageDb({ path, clock: systemClock })
  const now = Date.now()
  db.transaction(() => {
    for (let index = 0; index < leases; index += 1) {
      db.leases.add({
        ...{ instanceId: `i-${index}`, login: `cs61c-${index % 676}`, reservationId: `r${index}` },
        ...{ region: "us-east-1", instanceType: "m1.small", market: "on-demand" as const, keyName: "k" },
        ...{
          microUsdPerHour: microUsdOf(85_000),
          storageMicroUsdPerHour: microUsdOf(900),
          addressMicroUsdPerHour: microUsdOf(5_000),
        },
        ...{
          launchedAtUtcMs: utcMsOf(now),
          runStartedAtUtcMs: utcMsOf(now),
          ranBeforeMs: 0,
          usageOperation: "",
          endsAtUtcMs: utcMsOf(now + 14_400_000),
        },
        ...{ stoppedAtUtcMs: null, endedAtUtcMs: null, announcedEndUtcMs: null, terminationAtUtcMs: null },
      })
    }
  })
  db.close()
}
