/** Databases as the old tools left them, put into a course's data directory. */
import { Database } from "bun:sqlite"
import { chmodSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { openUsageDb } from "../../lib/db/usage_db.ts"
import { systemClock } from "../../lib/host/clock.ts"
import type { Workspace } from "./tools.ts"

const fixture = join(import.meta.dir, "..", "fixtures", "old_usage_db.sql")

/** What one unit cost, times the old tool's units. */
const oldPrices = Object.fromEntries(
  Object.entries({
    ...{
      "m1.small": 1,
      "m1.large": 4,
      "m1.xlarge": 8,
      "t1.micro": 0.2,
      "m2.xlarge": 5.9,
      "m2.2xlarge": 11.8,
    },
    ...{ "m2.4xlarge": 23.6, "c1.medium": 2, "c1.xlarge": 8, "cc1.4xlarge": 18.8 },
  }).map(([type, units]) => [type, Math.round(units * 85_000) / 1e6]),
)

export const oldRules = { billing: { granularity: "hour" }, prices: { on_demand: oldPrices } }

/** The old tool's own arithmetic, from the views: units × 0.085 × hours, × 0.7 on spot; a pending request is one hour. */
export function oldTotals(path: string): Map<string, number> {
  const db = new Database(path, { readonly: true })
  const totals = new Map<string, number>()
  const rows = db
    .query<{ username: string; instance_type: string; is_spot: number; hours: number }, []>(
      `SELECT username, instance_type, is_spot, hours FROM finished_instance_times
       UNION ALL SELECT username, instance_type, is_spot, hours FROM pending_instance_times
       UNION ALL SELECT username, instance_type, 1, 1 FROM pending_spot_requests`,
    )
    .all()
  for (const { username, instance_type, is_spot, hours } of rows) {
    const price = (oldPrices[instance_type] ?? 0) * (is_spot ? 0.7 : 1)
    totals.set(username, (totals.get(username) ?? 0) + price * hours)
  }
  db.close()
  return totals
}

/** Writes the fixture with the steps that init_dbs adds; returns its path. */
export function putOldDatabase(course: Workspace, extraSql = ""): string {
  const path = putUntouchedOldDatabase(course, extraSql)
  openUsageDb({ path, clock: systemClock, migrated: () => {} }).close()
  return path
}

/** Writes the fixture as the old tools left it but for its mode, 0600; returns its path. */
export function putUntouchedOldDatabase(course: Workspace, extraSql = ""): string {
  const path = join(course.dataDir, "usage.db")
  const db = new Database(path)
  db.run(readFileSync(fixture, "utf8"))
  if (extraSql) db.run(extraSql)
  db.close()
  chmodSync(path, 0o600)
  return path
}
