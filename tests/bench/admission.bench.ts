/** Admissions by two processes at once, over a ledger with a course's leases in it, beside bare commits of SQLite. */
import { join } from "node:path"
import { microUsdOf } from "../../lib/base/money.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { openUsageDb } from "../../lib/db/usage_db.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { workspace } from "../support/tools.ts"
import type { Bench } from "./support/figures.ts"

const processes = 2
const milliseconds = 1_000
const rounds = 3
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
      const admitted = new Array<number>(processes).fill(0)
      let committed = 0
      // By turns, so that a busy disk hurts both.
      for (let round = 0; round < rounds; round += 1) {
        const counts = await Promise.all(
          admitted.map((_, index) => counted("admit_many.ts", course.configPath, `p${round}${index}`)),
        )
        for (const [index, count] of counts.entries()) admitted[index] = (admitted[index] ?? 0) + count
        committed += await counted("commit_many.ts", join(course.dataDir, "usage.db"))
      }
      const all = admitted.reduce((sum, count) => sum + count, 0)
      const perSecond = (count: number) => (count * 1000) / (rounds * milliseconds)
      return [
        {
          what: "an admission, beside one SQL sum and one row committed alike",
          measured: `${perSecond(all).toFixed(0)}/s`,
          reference: `bare SQLite ${perSecond(committed).toFixed(0)}/s`,
          value: committed / all,
          target: 5,
        },
        {
          what: "the slower process's part, of what would be its half",
          measured: `${Math.min(...admitted)} of ${all}`,
          reference: `half ${Math.round(all / processes)}`,
          value: (Math.min(...admitted) * processes) / all,
          target: 0.25,
          wanted: "at least" as const,
        },
      ]
    } finally {
      course.remove()
    }
  },
}

/** What a program of `support` counted in its time. */
async function counted(program: string, ...words: string[]): Promise<number> {
  const argv = [process.execPath, join(import.meta.dir, "support", program), ...words, String(milliseconds)]
  const child = Bun.spawn(argv, { stdout: "pipe", stderr: "inherit" })
  return Number(await new Response(child.stdout).text())
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
