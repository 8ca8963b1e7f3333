import { Database } from "bun:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import { whyDamaged } from "../../../lib/db/sqlite/backup.ts"
import { systemClock } from "../../../lib/host/clock.ts"
import { auditLog } from "../../../lib/host/files/audit.ts"
import { tryExclusiveLock } from "../../../lib/host/processes/lock_file.ts"
import { backUp, listBackups, restore } from "../../../lib/operations/installation/backups.ts"
import { type Workspace, workspace } from "../../support/tools.ts"

let course: Workspace
beforeEach(async () => {
  course = workspace()
  await course.run("init_dbs")
})
afterEach(() => course.remove())

const usersDb = () => join(course.dataDir, "users.db")
const addUser = (name: string) => {
  const db = new Database(usersDb())
  db.run("INSERT INTO users (user_name, create_time) VALUES (?, '2026-11-22')", [name])
  db.close()
}
const users = (path = usersDb()) => {
  const db = new Database(path)
  const names = db.query<{ user_name: string }, []>("SELECT user_name FROM users ORDER BY 1").all()
  db.close()
  return names.map((row) => row.user_name)
}
const paths = () => ({
  ...{ dataDir: course.dataDir, userDb: usersDb(), usageDb: join(course.dataDir, "usage.db") },
  ...{ auditLog: "", rootAccessKey: "" },
})
const backUpNow = async (...more: string[]) =>
  JSON.parse((await course.run("backup_dbs", ["--json", ...more])).stdout).backup as string

describe("backup_dbs", () => {
  test("removes what a restore put aside a month ago, and nothing younger or of another name", async () => {
    const stampOf = (days: number) =>
      new Date(Date.now() - days * 86_400_000).toISOString().replaceAll(/[-:]|\.\d+/g, "")
    const aside = (name: string) => join(course.dataDir, name)
    const names = [
      `users.db.replaced-${stampOf(31)}`,
      `usage.db.replaced-${stampOf(29)}`,
      "users.db.replaced-mine",
    ]
    for (const name of names) writeFileSync(aside(name), "", { mode: 0o600 })
    await backUpNow()
    expect(names.map((name) => existsSync(aside(name)))).toEqual([false, true, true])
  })

  test("init_dbs --dry-run says what it would make", async () => {
    const fresh = workspace()
    const { stdout } = await fresh.run("init_dbs", ["--dry-run"])
    expect(stdout).toContain(`would make ${join(fresh.dataDir, "users.db")}\n`)
    expect(existsSync(join(fresh.dataDir, "users.db"))).toBe(false)
    fresh.remove()
  })

  test("copies both databases privately while somebody is in the middle of a transaction", async () => {
    addUser("cs61c-aa")
    const writer = new Database(usersDb())
    writer.run("BEGIN IMMEDIATE")
    writer.run("INSERT INTO users (user_name) VALUES ('cs61c-half')")
    const backup = await backUpNow()
    writer.run("ROLLBACK")
    writer.close()
    expect(users(join(backup, "users.db"))).toEqual(["cs61c-aa"])
    expect(existsSync(join(backup, "usage.db"))).toBe(true)
    expect(statSync(backup).mode & 0o777).toBe(0o700)
    expect(statSync(join(backup, "users.db")).mode & 0o777).toBe(0o600)
  })

  test("a backup put back is what it was, and what it replaced is kept", async () => {
    addUser("cs61c-aa")
    const backup = await backUpNow()
    addUser("cs61c-bb")
    const restored = await course.run("backup_dbs", ["--restore", backup, "--json"])
    expect(restored.stderr).toBe("")
    expect(users()).toEqual(["cs61c-aa"])
    const [kept = ""] = JSON.parse(restored.stdout).kept
    expect(users(kept)).toEqual(["cs61c-aa", "cs61c-bb"])
    expect(readFileSync(join(course.dataDir, "audit-log"), "utf8")).toContain("restored databases from")
    expect((await course.run("init_dbs")).stdout).toBe("nothing to do\n")
  })

  test("nothing is put back while a process has a database open", async () => {
    const backup = await backUpNow()
    addUser("cs61c-bb")
    const reader = new Database(usersDb())
    reader.query("SELECT count(*) FROM users").get()
    const refused = await course.run("backup_dbs", ["--restore", backup])
    reader.close()
    expect(refused.stderr).toContain("is in use")
    expect(refused.code).toBe(1)
    expect(users()).toEqual(["cs61c-bb"])
  })

  test("a damaged database is replaced, with its journal", async () => {
    addUser("cs61c-aa")
    const backup = await backUpNow()
    writeFileSync(usersDb(), "this is no database, it was one once upon a time".repeat(100))
    writeFileSync(`${usersDb()}-wal`, "nor this")
    expect((await course.run("backup_dbs", ["--restore", backup])).code).toBe(0)
    expect(users()).toEqual(["cs61c-aa"])
  })

  test("a database that cannot be looked at is not called damaged, and not replaced", () => {
    mkdirSync(join(course.dataDir, "a-directory"))
    expect(() => whyDamaged(join(course.dataDir, "a-directory"))).toThrow(
      /cannot be read or written \(disk I\/O error\)$/,
    )
  })

  test("a damaged backup replaces nothing", async () => {
    addUser("cs61c-aa")
    const backup = await backUpNow()
    writeFileSync(join(backup, "usage.db"), "x".repeat(8192))
    const refused = await course.run("backup_dbs", ["--restore", backup])
    expect(refused.stderr).toContain(`check ${backup}/usage.db: `)
    expect(users()).toEqual(["cs61c-aa"])
  })

  test("only the newest are kept, and what a crash left unfinished is removed", () => {
    const directory = join(course.dataDir, "backups")
    const config = { paths: paths() }
    const backUpAt = (utcMs: UtcMs) =>
      backUp({ config, clock: { ...systemClock, now: () => utcMs } }, directory, 2)
    mkdirSync(join(directory, ".unfinished-20260103T000000Z"), { recursive: true, mode: 0o700 })
    chmodSync(directory, 0o700)
    for (const night of [1, 2, 3]) backUpAt(utcMsOf(Date.UTC(2026, 10, night, 3)))
    expect(readdirSync(directory).sort()).toEqual(["20261102T030000Z", "20261103T030000Z"])
    expect(listBackups(directory)).toEqual(["20261103T030000Z", "20261102T030000Z"])
  })

  test("two in one second are two, and neither hinders the other", async () => {
    const config = { paths: paths() }
    const clock = { ...systemClock, now: () => utcMsOf(Date.UTC(2026, 10, 1, 3)) }
    const directory = join(course.dataDir, "backups")
    for (let n = 0; n < 3; n++) backUp({ config, clock }, directory, 2)
    expect(listBackups(directory)).toEqual(["20261101T030002Z", "20261101T030001Z"])
    const release = tryExclusiveLock(join(course.dataDir, "backup.lock"))
    const second = await course.run("backup_dbs")
    release?.()
    expect(second.stderr).toBe(
      "backup_dbs: backup: another one is under way; run it again when that has ended\n",
    )
    expect(second.code).toBe(1)
    expect((await course.run("backup_dbs")).code).toBe(0)
  })

  test("what two restorations in one second replaced is kept twice", () => {
    const config = { paths: paths() }
    const deps = {
      config,
      clock: { ...systemClock, now: () => utcMsOf(Date.UTC(2026, 10, 1, 3)) },
      audit: auditLog(join(course.dataDir, "audit-log"), systemClock),
    }
    const backup = backUp(deps, join(course.dataDir, "backups"), 2)
    for (const name of ["cs61c-aa", "cs61c-bb"]) {
      addUser(name)
      const {
        kept: [kept],
      } = restore(deps, backup, "cs61c")
      expect(users(kept)).toEqual([name])
    }
    expect(readdirSync(course.dataDir).filter((name) => name.startsWith("users.db.replaced"))).toHaveLength(2)
  })

  test("is not for students", async () => {
    const refused = await course.run("backup_dbs", ["--list"], { as: "cs61c-ab" })
    expect(refused.code).toBe(3)
  })
})
