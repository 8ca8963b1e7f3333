/** What two hosts see of each other in one database: here two connections, each with a data directory of its own. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { PostgresSettings } from "../../../lib/base/database.ts"
import { noMicroUsd } from "../../../lib/base/money.ts"
import { type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import type { NewReservation } from "../../../lib/db/launches/reservations.ts"
import { openUsageDb, type UsageDb } from "../../../lib/db/usage_db.ts"
import { systemClock as clock } from "../../../lib/host/clock.ts"
import { ownProcess } from "../../../lib/host/processes/process_identity.ts"
import { type PostgresServer, postgresBinaries, startServer } from "../../support/postgres.ts"
import { scratchDirectory } from "../../support/scratch.ts"
import { noteSkipped } from "../../support/skips.ts"

const describeOrSkip = postgresBinaries ? describe : describe.skip
let server: PostgresServer
let settings: PostgresSettings
let directories: string[]
beforeAll(() => {
  if (!postgresBinaries) return noteSkipped("PostgreSQL: its server is not installed (Debian: postgresql)")
  server = startServer()
})
afterAll(() => server?.remove())
beforeEach(() => {
  settings = server.newDatabase()
  directories = [scratchDirectory("host-a"), scratchDirectory("host-b")]
  openOn(0, true).close()
})

const openOn = (host: number, create = false): UsageDb =>
  openUsageDb({ path: join(directories[host] ?? "", "usage.db"), clock, server: settings, create })

const elsewhere = "5c9d8b1e-0000-4000-8000-000000000000:17:99:4026531836"

function reservation(id: string, process: string): NewReservation {
  const now = clock.now()
  return {
    ...{ id, login: "cs61c-aa", kind: "launch", region: "us-east-1", instanceType: "m1.small" },
    ...{ market: "on-demand", keyName: "cs61c-aa-default", image: "ami-1", count: 1, usageOperation: "" },
    ...{
      microUsdPerHour: noMicroUsd,
      storageMicroUsdPerHour: noMicroUsd,
      addressMicroUsdPerHour: noMicroUsd,
    },
    ...{ worstMicroUsd: noMicroUsd, leaseEndsAtUtcMs: now, instanceId: null, process, createdAtUtcMs: now },
  }
}

const reserve = (db: UsageDb, id: string, process = elsewhere) =>
  db.transaction(() => db.reservations.add(reservation(id, process)))
const orphansOf = (db: UsageDb) =>
  db.presence
    .orphans(db.reservations.pending(null))
    .map(({ reservation: { id }, isCertain }) => [id, isCertain])

describeOrSkip("two hosts on one ledger", () => {
  test("a run on another host is at its reservation as long as its connection lasts", () => {
    const [a, b] = [openOn(0), openOn(1)]
    reserve(a, "held")
    expect(a.presence.isHeld("held")).toBe(true)
    expect(orphansOf(b)).toEqual([])
    a.close()
    const since = performance.now()
    while (orphansOf(b).length === 0 && performance.now() - since < 30_000) Bun.sleepSync(20)
    // Gone for all that can be seen, which does not prove it.
    expect(orphansOf(b)).toEqual([["held", false]])
    b.close()
  })

  test("a transaction that is taken back holds nothing", () => {
    const [a, b] = [openOn(0), openOn(1)]
    const failing = () =>
      a.transaction(() => {
        a.reservations.add(reservation("undone", elsewhere))
        throw new Error("no")
      })
    expect(failing).toThrow("no")
    reserve(b, "undone")
    expect(b.presence.isHeld("undone")).toBe(true)
    a.close()
    b.close()
  })

  test("a run whose connection was lost does not hold its reservation any more", () => {
    const [a, b] = [openOn(0), openOn(1)]
    reserve(a, "cut")
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'course'")
    a.transaction(() => a.reservations.byId("cut"))
    expect(a.presence.isHeld("cut")).toBe(false)
    expect(orphansOf(b)).toEqual([["cut", false]])
    a.close()
    b.close()
  })

  test("what was given back is not marked as sent", () => {
    const [a, b] = [openOn(0), openOn(1)]
    reserve(a, "given back")
    b.transaction(() => b.reservations.finish("given back", "released", "", clock.now()))
    expect(a.transaction(() => a.reservations.sent("given back", clock.now()))).toBe(false)
    a.close()
    b.close()
  })

  test("our own process that is gone is gone for certain, and one that lives is no orphan", async () => {
    const db = openOn(0)
    const child = Bun.spawn([
      process.execPath,
      "-e",
      `import { ownProcess } from "${import.meta.dir}/../../../lib/host/processes/process_identity.ts"
       console.log(ownProcess())`,
    ])
    const identity = (await new Response(child.stdout).text()).trim()
    await child.exited
    reserve(db, "dead", identity)
    reserve(db, "living", ownProcess())
    db.close()
    const again = openOn(0)
    expect(orphansOf(again)).toEqual([["dead", true]])
    again.close()
  })

  test("a lock by name has one holder, and is free when the holder is gone", () => {
    const [a, b] = [openOn(0), openOn(1)]
    expect([a.locks?.tryTake("cron"), a.locks?.tryTake("cron"), b.locks?.tryTake("cron")]).toEqual([
      true,
      false,
      false,
    ])
    a.locks?.release("cron")
    expect(b.locks?.tryTake("cron")).toBe(true)
    b.close()
    // The server ends a connection when it gets to it.
    const since = performance.now()
    while (a.locks?.tryTake("cron") === false && performance.now() - since < 30_000) Bun.sleepSync(20)
    expect(a.locks?.isMine("cron")).toBe(true)
    a.close()
  })

  test("another cluster than before is refused", () => {
    const other = startServer()
    const copied = other.newDatabase()
    openUsageDb({
      path: join(scratchDirectory("c"), "usage.db"),
      clock,
      server: copied,
      create: true,
    }).close()
    const moved = () => openUsageDb({ path: join(directories[0] ?? "", "usage.db"), clock, server: copied })
    expect(moved).toThrow("is another cluster than before")
    rmSync(join(directories[0] ?? "", "known-database.json"))
    moved().close()
    other.remove()
  })

  test("an old primary is refused", async () => {
    const file = join(directories[0] ?? "", "known-database.json")
    const known = await Bun.file(file).json()
    expect(known.timeline).toBe(1)
    await Bun.write(file, JSON.stringify({ ...known, timeline: 2 }))
    expect(() => openOn(0)).toThrow("is an old primary: on timeline 1, and 2 is in use")
  })

  test("a database that went back is found by whoever committed what it lacks, and told to all", () => {
    const a = openOn(0)
    reserve(a, "lost")
    a.close()
    server.psql(
      "TRUNCATE ec2_usage.recent_commits; DELETE FROM ec2_usage.reservations",
      settings.parameters.find(([keyword]) => keyword === "dbname")?.[1],
    )
    const before = openOn(1)
    expect(before.setbacks.current()).toBeNull()
    before.close()
    const [again, b] = [openOn(0), openOn(1)]
    expect(again.setbacks.current()).not.toBeNull()
    expect(b.setbacks.current()?.foundAtUtcMs).toBe(again.setbacks.current()?.foundAtUtcMs as UtcMs)
    b.transaction(() => b.setbacks.settle(utcMsOf(Date.now() + 1000), clock.now()))
    expect(again.setbacks.current()).toBeNull()
    again.close()
    b.close()
    // Found once, not at every open.
    const third = openOn(0)
    expect(third.setbacks.current()).toBeNull()
    third.close()
  })
})
