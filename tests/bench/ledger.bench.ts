/** The report over a ledger of a million runs: everybody, one student, and the page with charts. */

import { join } from "node:path"
import { utcMsOf } from "../../lib/base/time.ts"
import { compiledTool } from "../support/build.ts"
import { workspace } from "../support/tools.ts"
import { type Bench, ratio } from "./support/figures.ts"
import { helloWorld } from "./support/hello.ts"
import { medians } from "./support/timing.ts"

const [runs, users, days] = [1_000_000, 2_000, 120]

export const bench: Bench = {
  what: `usage_report over ${runs.toLocaleString("en")} runs of ${users.toLocaleString("en")} users`,
  async run() {
    const course = workspace()
    const database = join(course.dataDir, "usage.db")
    try {
      const initialised = await course.run("init_dbs", [], { compiled: true })
      if (initialised.code !== 0) throw new Error(initialised.stderr)
      await fill(database)
      // Makes the sums, as the reports of a course's first day would.
      await course.run("usage_report", ["ALL"], { compiled: true })
      const env = {
        HOME: course.home("cs61c"),
        REAL_USERNAME: "cs61c",
        EC2_WRAPPERS_CONFIG: course.configPath,
      }
      const tool = compiledTool("usage_report")
      const { all, one, page, sql, hello } = await medians({
        all: { command: [tool, "ALL"], env },
        one: { command: [tool, "cs61c-u7", "--offline"], env },
        page: { command: [tool, "ALL", "--html", join(course.directory, "page.html")], env },
        sql: { command: ["python3", join(import.meta.dir, "support/old_sums.py"), database, "runs"] },
        hello: { command: [await helloWorld()] },
      })
      const inSql: [string, number] = ["one sum over all runs in SQL", sql]
      return [
        ratio("usage_report ALL", all, inSql, 1 / 2),
        ratio("usage_report ALL --html", page, inSql, 1),
        ratio("usage_report USER --offline", one, ["hello world", hello], 8),
      ]
    } finally {
      course.remove()
    }
  },
}

/** A term of closed runs, as cron leaves them. */
async function fill(path: string): Promise<void> {
  const { Database } = await import("bun:sqlite")
  const db = new Database(path)
  db.run("PRAGMA synchronous = off")
  const begin = utcMsOf(Date.UTC(2026, 7, 20))
  db.run("INSERT INTO offers VALUES (1, 'm1.small', 'on-demand', 'us-east-1', 'us-east-1a', 'RunInstances')")
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${runs - 1})`
  const start = `${begin} + (i * 7919 % ${days * 24 * 60}) * 60000`
  const end = `${start} + (600 + i * 31 % 7200) * 1000`
  const julian = (ms: string) => `(${ms}) / 86400000.0 + 2440587.5`
  const login = `'cs61c-u' || (i % ${users})`
  db.transaction(() => {
    db.run(`${numbers} INSERT INTO tracked_instances
      SELECT printf('i-%08x', i), ${login}, 1, 'terminated', '', '', 0, ${start}, ${end} FROM n`)
    db.run(`${numbers} INSERT INTO instances
      SELECT printf('i-%08x', i), 'm1.small', ${julian(start)}, ${julian(end)}, '', 0, ${login} FROM n`)
    db.run(`${numbers} INSERT INTO intervals
      SELECT NULL, printf('i-%08x', i), ${login}, 1, 0, ${start}, ${start}, 'observed', ${end}, ${end}, 'reason', 0 FROM n`)
    db.run("INSERT INTO usage_sums SELECT DISTINCT login, '', 0 FROM intervals")
  })()
  db.close()
}
