/** A primary and its synchronous standby: the primary is killed under load, the standby promoted, and nothing acknowledged is lost. */
import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import type { PostgresSettings } from "../../../lib/base/database.ts"
import { openUsageDb } from "../../../lib/db/usage_db.ts"
import { systemClock as clock } from "../../../lib/host/clock.ts"
import { type PostgresServer, postgresBinaries, startServer, startStandby } from "../../support/postgres.ts"
import { scratchDirectory } from "../../support/scratch.ts"
import { noteSkipped } from "../../support/skips.ts"

const describeOrSkip = postgresBinaries ? describe : describe.skip
if (!postgresBinaries) noteSkipped("PostgreSQL: its server is not installed (Debian: postgresql)")
const servers: PostgresServer[] = []
afterAll(() => {
  for (const server of servers) server.remove()
})

/** Says "client N" for each notice whose transaction was acknowledged; goes on through a failover as a tool of a later run would. */
const writer = (settings: PostgresSettings, path: string, client: number) => `
  import { openUsageDb } from "${join(import.meta.dir, "../../../lib/db/usage_db.ts")}"
  import { systemClock as clock } from "${join(import.meta.dir, "../../../lib/host/clock.ts")}"
  const open = () => openUsageDb({ path: ${JSON.stringify(path)}, clock, server: ${JSON.stringify(settings)} })
  let db = null
  for (let n = 0; ; n++) {
    try {
      db ??= open()
      const about = "${client} " + n
      db.transaction(() => db.notices.add({ login: "x", about, text: "", createdAtUtcMs: 1, expiresAtUtcMs: 2 }))
      console.log(about)
    } catch (error) {
      if (error.name === "TypeError") { console.error(error); process.exit(1) }
      db = null
      await Bun.sleep(50)
    }
  }`

describeOrSkip("a failover under load", () => {
  test.each([1, 2, 3])(
    "loses no acknowledged commit, and goes on: round %d",
    async () => {
      const primary = startServer({ fsync: "on", max_wal_senders: "4", wal_level: "replica" })
      const standby = startStandby(primary)
      servers.push(primary, standby)
      primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'")
      primary.psql("SELECT pg_reload_conf()")
      const [, dbname = ""] = primary.newDatabase().parameters.find(([keyword]) => keyword === "dbname") ?? []
      const settings: PostgresSettings = {
        parameters: [
          ["host", `${primary.socket},${standby.socket}`],
          ["dbname", dbname],
          ["user", "course"],
          ["target_session_attrs", "read-write"],
        ],
        name: "both",
      }
      const path = join(scratchDirectory("failover"), "usage.db")
      openUsageDb({ path, clock, server: settings, create: true }).close()
      const clients = [1, 2, 3].map((client) =>
        Bun.spawn([process.execPath, "-e", writer(settings, path, client)], {
          stdout: "pipe",
          stderr: "inherit",
        }),
      )
      const acknowledged: string[] = []
      let sincePromotion = 0
      let isPromoted = false
      const readers = clients.map(async ({ stdout }) => {
        let rest = ""
        const decoder = new TextDecoder()
        for await (const chunk of stdout) {
          const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
          rest = lines.pop() ?? ""
          acknowledged.push(...lines)
          if (isPromoted) sincePromotion += lines.length
        }
      })
      while (acknowledged.length < 30) await Bun.sleep(10)
      primary.kill()
      standby.promote()
      isPromoted = true
      while (sincePromotion < 10) await Bun.sleep(10)
      for (const client of clients) client.kill("SIGKILL")
      await Promise.all(readers)
      const kept = new Set(standby.psql("SELECT about FROM ec2_usage.notices", dbname).split("\n"))
      expect(acknowledged.filter((about) => !kept.has(about))).toEqual([])
      expect(acknowledged.length).toBe(new Set(acknowledged).size)
      // The host remembers the timeline that it went on with: the old primary is refused.
      const known = JSON.parse(await Bun.file(join(path, "../known-database.json")).text()) as {
        timeline: number
      }
      expect(known.timeline).toBe(2)
      primary.start()
      const old: PostgresSettings = {
        ...settings,
        parameters: [["host", primary.socket], ...settings.parameters.slice(1)],
      }
      primary.psql("ALTER SYSTEM RESET synchronous_standby_names")
      primary.psql("SELECT pg_reload_conf()")
      expect(() => openUsageDb({ path, clock, server: old })).toThrow(
        "is an old primary: on timeline 1, and 2 is in use",
      )
      primary.stop()
      standby.stop()
    },
    180_000,
  )
})
