import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test"
import type { PostgresSettings } from "../../../lib/base/database.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { loadAddon } from "../../../lib/db/postgres/addon.ts"
import { openPostgres } from "../../../lib/db/postgres/open.ts"
import { openUsageDb } from "../../../lib/db/usage_db.ts"
import { systemClock as clock } from "../../../lib/host/clock.ts"
import { type PostgresServer, postgresBinaries, settingsOf, startServer } from "../../support/postgres.ts"
import { noteSkipped } from "../../support/skips.ts"

const describeOrSkip = postgresBinaries ? describe : describe.skip
let server: PostgresServer
let settings: PostgresSettings
beforeAll(() => {
  if (!postgresBinaries) return noteSkipped("PostgreSQL: its server is not installed (Debian: postgresql)")
  server = startServer()
  settings = server.newDatabase()
})
afterAll(() => server?.remove())

const steps = [{ name: "one", up: "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT NOT NULL UNIQUE)" }]
const open = (create = false) => openPostgres({ settings, schema: "ec2_usage", clock, create }, steps)
const insert = "INSERT INTO t(x) VALUES (?)"
const count = "SELECT count(*) AS n FROM t WHERE x = ?"

describeOrSkip("a ledger in PostgreSQL", () => {
  test("is made by init_dbs only, and opens again", () => {
    expect(() => open()).toThrow("has no schema ec2_usage; init_dbs makes it")
    open(true).close()
    open().close()
  })

  test("refuses a schema from the future once an upgrade is over", () => {
    const newer = [...steps, { name: "of the future", up: "CREATE TABLE u(x INTEGER)" }]
    const other = server.newDatabase()
    const options = { settings: other, schema: "ec2_usage", clock }
    openPostgres({ ...options, create: true }, newer).close()
    openPostgres(options, steps).close()
    const later = { ...clock, now: () => utcMsOf(Date.now() + 2 * 86_400_000) }
    expect(() => openPostgres({ ...options, clock: later }, steps)).toThrow(
      "was made by a newer version (step of the future)",
    )
  })

  test("takes back everything where the work throws or returns a promise, and goes on", () => {
    const db = open()
    const failing = () => {
      db.query(insert).run("taken back")
      throw new Error("of the work")
    }
    expect(() => db.transaction(failing)).toThrow("of the work")
    const waiting = () => {
      db.query(insert).run("taken back")
      return Promise.resolve()
    }
    expect(() => db.transaction(waiting)).toThrow("cannot wait for a promise")
    expect(db.query(count).get("taken back")).toEqual({ n: 0 })
    db.transaction(() => db.query(insert).run("kept"))
    expect(db.query(count).get("kept")).toEqual({ n: 1 })
    db.close()
  })

  test("a failing statement ends its transaction, and its error quotes no row", () => {
    const db = open()
    db.transaction(() => db.query(insert).run("secret-value"))
    const twice = () => db.transaction(() => db.query(insert).run("secret-value"))
    expect(twice).toThrow("duplicate key")
    expect(twice).not.toThrow("secret-value")
    db.close()
  })

  test("transactions of several connections run one by one", async () => {
    const writer = `
      import { openPostgres } from "${import.meta.dir}/../../../lib/db/postgres/open.ts"
      const settings = ${JSON.stringify(settings)}
      const db = openPostgres({ settings, schema: "ec2_usage", clock: { now: () => 0 } }, ${JSON.stringify(steps)})
      for (let turn = 0; turn < 50; turn++)
        db.transaction(() => {
          const { n } = db.query("SELECT coalesce(max(CAST(x AS INTEGER)), 0) AS n FROM t WHERE x < ':'").get()
          db.query("INSERT INTO t(x) VALUES (?)").run(String(n + 1))
        })
      db.close()`
    const writers = [1, 2, 3].map(() => Bun.spawn([process.execPath, "-e", writer], { stderr: "pipe" }))
    expect(await Promise.all(writers.map(({ stderr }) => new Response(stderr).text()))).toEqual(["", "", ""])
    const db = open()
    const largest = db.query("SELECT max(CAST(x AS INTEGER)) AS n FROM t WHERE x < ':'").get()
    expect(largest).toEqual({ n: 150 })
    db.close()
  })

  test("tells the database's time once the lock is held", () => {
    const heard: number[] = []
    const db = openPostgres(
      { settings, schema: "ec2_usage", clock, listeners: { heard: (utcMs) => heard.push(utcMs) } },
      steps,
    )
    expect(db.transactionUtcMs()).toBeNull()
    db.transaction(() => expect(db.transactionUtcMs()).toBe(heard[0] as number))
    expect(Math.abs((heard[0] as number) - Date.now())).toBeLessThan(60_000)
    db.close()
  })

  test("reads that are expected come in one round trip, and are read anew after a write", () => {
    const db = open()
    const spies = (["execute", "query", "prepare", "queryPrepared", "pipeline"] as const).map((name) =>
      spyOn(loadAddon(), name),
    )
    const one = () => db.query<{ n: number }>(count).get("expected")?.n
    const found = db.transaction(() => {
      const before = one()
      db.query(insert).run("expected")
      return [before, one()]
    }, one)
    expect(found).toEqual([0, 1])
    const roundTrips = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
    for (const spy of spies) spy.mockRestore()
    // lock and read; insert; read anew; commit
    expect(roundTrips).toBe(4)
    db.close()
  })

  test("what is expected writes nothing while it is collected", () => {
    const db = open()
    db.transaction(
      () => {},
      () => db.query(insert).run("collected"),
    )
    expect(db.query(count).get("collected")).toEqual({ n: 0 })
    db.close()
  })

  test("a connection that was lost between transactions is made again", () => {
    const db = open()
    db.query(count).get("x")
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'course'")
    expect(db.query(count).get("kept")).toEqual({ n: 1 })
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'course'")
    db.transaction(() => db.query(insert).run("after the loss"))
    expect(db.query(count).get("after the loss")).toEqual({ n: 1 })
    db.close()
  })

  test("a connection that is lost inside a transaction takes back the transaction, in one line", () => {
    const db = open()
    const lost = () =>
      db.transaction(() => {
        db.query(insert).run("lost")
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'course'")
        db.query(insert).run("never")
      })
    expect(lost).toThrow("cannot be reached")
    expect(db.query(count).get("lost")).toEqual({ n: 0 })
    db.close()
  })

  test("a commit whose answer is lost is looked up: it was made, or it was not", () => {
    const db = open()
    const addon = loadAddon()
    const execute = addon.execute
    for (const [word, commits] of [
      ["committed", true],
      ["not committed", false],
    ] as const) {
      let isLost = false
      const spy = spyOn(addon, "execute").mockImplementation((handle, sql) => {
        if (!sql.endsWith("; COMMIT") || isLost) return execute(handle, sql)
        isLost = true
        if (commits) execute(handle, sql)
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'course'")
        throw Object.assign(new Error("server closed the connection unexpectedly"), { code: "08006" })
      })
      const work = () => db.transaction(() => db.query(insert).run(word))
      if (commits) work()
      else expect(work).toThrow("went away before this was recorded")
      spy.mockRestore()
      expect(db.query(count).get(word)).toEqual({ n: commits ? 1 : 0 })
    }
    db.close()
  })

  test("a run that stands still inside a transaction is ended by the server, and locks nobody out", () => {
    const db = open()
    const other = open()
    other.query("SET idle_in_transaction_session_timeout = 300").run()
    const stands = () =>
      other.transaction(() => {
        other.query(insert).run("stood still")
        Bun.sleepSync(800)
        other.query(insert).run("too late")
      })
    expect(stands).toThrow(/ended this run|cannot be reached/)
    db.transaction(() => db.query(insert).run("meanwhile"))
    expect(db.query(count).get("stood still")).toEqual({ n: 0 })
    db.close()
    other.close()
  })

  test("a lock that is held too long is one line", () => {
    const db = open()
    const other = open()
    other.query("SET lock_timeout = 200").run()
    db.transaction(() => expect(() => other.transaction(() => {})).toThrow("is locked by another process"))
    db.close()
    other.close()
  })

  test("a server that is away, or lets nobody in, is one line", () => {
    const nowhere = settingsOf({ host: "/nonexistent", dbname: "x", user: "course" })
    expect(() => openUsageDb({ path: "", clock, server: nowhere })).toThrow(
      /^database x at \/nonexistent: cannot be reached: .*No such file/,
    )
    const nobody = settingsOf({ host: server.socket, dbname: "postgres", user: "nobody" })
    expect(() => openUsageDb({ path: "", clock, server: nobody })).toThrow('role "nobody" does not exist')
  })
})
