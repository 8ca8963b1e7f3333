/** How much usage.db grows: instances that each run for a day, cron every five minutes, simulated through the real operations. */
import { Database } from "bun:sqlite"
import { statSync } from "node:fs"
import { join } from "node:path"
import { msPerDay, msPerHour, msPerMinute, toJulianDay, utcMsOf } from "../../lib/base/time.ts"
import { openUsageDb } from "../../lib/db/usage_db.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { runCron } from "../../lib/operations/usage/cron.ts"
import { cloudOf, type Now, noFaults } from "../support/oracle/cloud.ts"
import type { Life } from "../support/oracle/history.ts"
import { randomFrom } from "../support/oracle/random.ts"
import { workspace } from "../support/tools.ts"
import { type Bench, ratio } from "./support/figures.ts"

const [perDay, days] = [150, 1]
const begin = utcMsOf(Date.UTC(2026, 8, 1))

export const bench: Bench = {
  what: `growth of usage.db: ${perDay} instances, each for a day, cron every 5 minutes for two`,
  async run() {
    const course = workspace()
    const config = loadConfig(course.configPath)
    const now: Now = { utcMs: begin, clockAheadMs: 0, faults: noFaults }
    const clock = { now: () => now.utcMs, sleep: async () => undefined }
    const lives = Array.from({ length: perDay * days }, (_, index) => lifeOf(index))
    const aws = cloudOf(lives, now, { byHour: false, spotPrices: {} }, randomFrom(1))
    const { usageDb: path } = config.paths
    try {
      openUsageDb({ path, clock, create: true }).close()
      const before = statSync(path).size
      const usageDb = openUsageDb({ path, clock })
      for (let at = begin; at < begin + (days + 1) * msPerDay; at = utcMsOf(at + 5 * msPerMinute)) {
        now.utcMs = at
        await runCron({ aws, usageDb, config, clock }, { cloudTrail: false })
      }
      // Its last connection puts the log into the file.
      usageDb.close()
      const perInstanceDay = (statSync(path).size - before) / lives.length
      const old = sizeOfOld(join(course.directory, "2010.db"), lives) / lives.length
      const bytes = (value: number) => `${value.toFixed(0)} bytes`
      return [ratio("usage.db per instance and day", perInstanceDay, ["its row of 2010", old], 12, bytes)]
    } finally {
      course.remove()
    }
  },
}

/** What the tools of 2010 kept of the same lives: a row each, and the key's index. */
function sizeOfOld(path: string, lives: readonly Life[]): number {
  const db = new Database(path)
  db.run(`CREATE TABLE instances(instance_id TEXT PRIMARY KEY, instance_type TEXT, start_time REAL,
    end_time REAL NULL, last_seen TEXT, is_spot BOOLEAN, username TEXT)`)
  const before = statSync(path).size
  const insert = db.query("INSERT INTO instances VALUES (?, 'm1.small', ?, ?, '2026-09-01 00:00:00', 0, ?)")
  db.transaction(() => {
    for (const { id, login, runs } of lives) {
      const [run] = runs
      insert.run(id, toJulianDay(run?.launchUtcMs ?? begin), toJulianDay(run?.endUtcMs ?? begin), login)
    }
  })()
  db.close()
  return statSync(path).size - before
}

/** One run of 24 hours, from some time of its day on. */
function lifeOf(index: number): Life {
  const launchUtcMs =
    begin + Math.floor(index / perDay) * msPerDay + Math.floor(((index % perDay) / perDay) * 86_400) * 1000
  const endUtcMs = launchUtcMs + 24 * msPerHour
  return {
    ...{ id: `i-${index.toString(16).padStart(17, "0")}`, login: `cs61c-u${index % 100}` },
    ...{ market: "on-demand", operation: "RunInstances", isOurs: false, hasAddress: true },
    ...{
      datedStop: true,
      datedEnd: true,
      zone: "us-east-1a",
      terminatedUtcMs: utcMsOf(endUtcMs),
      endedBy: "terminate",
    },
    runs: [
      {
        ...{
          type: "m1.small",
          launchUtcMs: utcMsOf(launchUtcMs),
          runningUtcMs: utcMsOf(launchUtcMs + 10_000),
          endUtcMs: utcMsOf(endUtcMs),
          how: "terminate",
        },
        ...{ offUtcMs: utcMsOf(endUtcMs), settledUtcMs: utcMsOf(endUtcMs + 30_000) },
      },
    ],
  }
}
