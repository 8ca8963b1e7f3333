import { Database } from "bun:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Failed } from "../../lib/base/errors.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { openDatabase } from "../../lib/db/sqlite/open.ts"
import { openUsageDb } from "../../lib/db/usage_db.ts"
import { openUsersDb } from "../../lib/db/users_db.ts"
import { systemClock as clock } from "../../lib/host/clock.ts"

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "db-"))
  path = join(directory, "x.db")
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const steps = [{ name: "one", up: "CREATE TABLE t(x)" }]
const withMode = (what: string, mode: number) => {
  create().close()
  chmodSync(what, mode)
}
const create = () => openDatabase({ path, clock, create: true }, steps)

describe("opening a database", () => {
  test("waits for locks, enforces foreign keys, and keeps what is committed", () => {
    const db = create()
    expect(db.query("PRAGMA busy_timeout").get()).toEqual({ timeout: 15_000 })
    expect(db.query("PRAGMA foreign_keys").get()).toEqual({ foreign_keys: 1 })
    expect(db.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" })
    expect(db.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 })
    db.close()
  })

  test("does not make one where none is: a wrong path must not become an empty ledger", () => {
    expect(() => openDatabase({ path, clock }, steps)).toThrow("does not exist; init_dbs makes it")
  })

  test.each([
    [
      "text",
      () => writeFileSync(path, "this is no database ".repeat(100), { mode: 0o600 }),
      "is damaged or no database",
    ],
    ["readable", () => withMode(path, 0o640), "has mode 0640"],
    ["in an open directory", () => withMode(directory, 0o755), "has mode 0755"],
    ["a symbolic link", () => symlinkSync("/etc/passwd", path), "ELOOP"],
    ["a directory", () => Bun.spawnSync(["mkdir", "-m", "700", path]), "EISDIR"],
    ["a FIFO", () => Bun.spawnSync(["mkfifo", "-m", "600", path]), "is not a regular file"],
  ])("refuses one that is %s", (_what, prepare, reason) => {
    prepare()
    expect(() => openDatabase({ path, clock }, steps)).toThrow(reason)
  })

  test("refuses one that lacks a step, names who adds it, and leaves it alone", () => {
    create().close()
    const newer = [...steps, { name: "two", up: "CREATE TABLE u(x)" }]
    expect(() => openDatabase({ path, clock }, newer)).toThrow(
      'lacks the step "two" of this version; run init_dbs',
    )
    const db = create()
    expect(db.hasTable("u")).toBe(false)
    db.close()
  })

  test("refuses one from the future, but for the day in which hosts and running tools follow", () => {
    create().close()
    const newer = [...steps, { name: "of the future", up: "CREATE TABLE u(x)" }]
    const done: string[] = []
    openDatabase({ path, clock, migrated: (names) => done.push(...names) }, newer).close()
    expect(done).toEqual(["of the future"])
    const after = (hours: number) => ({ ...clock, now: () => utcMsOf(clock.now() + hours * 3_600_000) })
    const message =
      "was made by a newer version (step of the future); install that version's tools, or put the copy"
    for (const [hours, isOpen] of [
      [0, true],
      [23, true],
      [25, false],
      [10_000, false],
      [-1, false],
    ] as const) {
      const opening = () => openDatabase({ path, clock: after(hours) }, steps).close()
      if (isOpen) opening()
      else expect(opening).toThrow(message)
    }
    // Whoever installs an older version is told at once.
    expect(() => openDatabase({ path, clock, migrated: () => {} }, steps)).toThrow(message)
  })

  test("a damaged page is one line that names the backup", () => {
    const db = create()
    db.exec(
      "INSERT INTO t SELECT hex(randomblob(500)) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100) SELECT i FROM n)",
    )
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    const bytes = new Uint8Array(readFileSync(path))
    bytes.fill(0xff, 4096, 12_288)
    writeFileSync(path, bytes)
    expect(() => {
      const opened = openDatabase({ path, clock }, steps)
      opened.transaction(() => opened.query("SELECT count(*), sum(length(x)) FROM t").get())
    }).toThrow("restore it from the nightly backup")
  })
})

describe("migrations", () => {
  test("a step that fails leaves nothing behind, and the next run tries again", () => {
    create().close()
    const broken = [...steps, { name: "two", up: "CREATE TABLE u(x); INSERT INTO missing VALUES (1)" }]
    const migrated = () => {}
    expect(() => openDatabase({ path, clock, migrated }, broken)).toThrow(Failed)
    const db = openDatabase({ path, clock }, steps)
    expect(db.query("SELECT name FROM sqlite_master WHERE name = 'u'").get()).toBeNull()
    db.close()
    openDatabase({ path, clock, migrated }, [...steps, { name: "two", up: "CREATE TABLE u(x)" }]).close()
  })

  test("two processes may open an old database at once", async () => {
    new Database(path).close()
    chmodSync(path, 0o600)
    const opener = `
      import { openUsageDb } from ${JSON.stringify(join(import.meta.dir, "../../lib/db/usage_db.ts"))}
      openUsageDb({ path: process.argv[1], clock: { now: () => 0 }, create: true }).close()`
    const openers = [1, 2, 3, 4].map(() =>
      Bun.spawn([process.execPath, "-e", opener, path], { stderr: "pipe" }),
    )
    const errors = await Promise.all(openers.map(({ stderr }) => new Response(stderr).text()))
    expect(errors).toEqual(["", "", "", ""])
  })
})

test("a transaction that returns a promise is undone: Bun would commit at its first await", () => {
  const db = create()
  expect(() =>
    db.transaction(() => {
      db.exec("INSERT INTO t VALUES (1)")
      return Promise.resolve()
    }),
  ).toThrow("cannot wait")
  expect(db.query("SELECT count(*) AS n FROM t").get()).toEqual({ n: 0 })
  db.close()
})

test("writers that come back at once let the others in", async () => {
  create().close()
  const writer = `
    import { openDatabase } from "${join(import.meta.dir, "../../lib/db/sqlite/open.ts")}"
    const [path, who] = process.argv.slice(-2)
    const clock = { now: () => 0, sleep: async () => {} }
    const db = openDatabase({ path, clock }, [{ name: "one", up: "" }])
    const turns = () => db.query("SELECT x, count(*) AS n FROM t GROUP BY x").all()
    const takeTurn = () => db.transaction(() => db.query("INSERT INTO t VALUES (?)").run(who))
    takeTurn()
    while (turns().length < 3) Bun.sleepSync(1)
    while (turns().some(({ n }) => n < 100)) takeTurn()`
  const writers = ["a", "b", "c"].map((who) =>
    Bun.spawn([process.execPath, "-e", writer, path, who], { stderr: "inherit" }),
  )
  expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual([0, 0, 0])
  const db = create()
  const turns = db.query<{ n: number }, []>("SELECT count(*) AS n FROM t GROUP BY x").all()
  db.close()
  expect(Math.min(...turns.map(({ n }) => n))).toBeGreaterThanOrEqual(100)
  // by SQLite's own waiting one has some two thousand before another has its hundred
  expect(Math.max(...turns.map(({ n }) => n))).toBeLessThan(1000)
})

test("both databases open twice, with the old tables and views in them", () => {
  for (const [open, tables] of [
    [openUsersDb, ["access_keys", "ssh_keys", "users"]],
    [
      openUsageDb,
      [
        "finished_instance_times",
        "instance_stopped",
        "instance_stopped_time",
        "instances",
        "pending_instance_times",
        "pending_instances",
        "pending_spot_requests",
      ],
    ],
  ] as const) {
    const file = join(directory, `${tables.length}.db`)
    open({ path: file, clock, create: true }).close()
    open({ path: file, clock }).close()
    const db = new Database(file)
    const names = db
      .query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
      .all()
    expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining([...tables]))
    db.close()
  }
})
