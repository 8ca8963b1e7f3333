/** Both databases' final schema, pinned: UPDATE_SCHEMA=1 writes tests/fixtures/schema anew, for a reviewer to read. */
import { Database } from "bun:sqlite"
import { afterEach, beforeEach, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openUsageDb } from "../../lib/db/usage_db.ts"
import { openUsersDb } from "../../lib/db/users_db.ts"
import { systemClock as clock } from "../../lib/host/clock.ts"

const fixtures = join(import.meta.dir, "..", "fixtures")
const oldUsage = readFileSync(join(fixtures, "old_usage_db.sql"), "utf8")
const oldUsers = `
  CREATE TABLE users(user_name TEXT PRIMARY KEY, create_time TEXT, create_account TEXT, login_password TEXT);
  CREATE TABLE access_keys(user_name TEXT, access_key TEXT PRIMARY KEY, secret_access_key TEXT);
  CREATE TABLE ssh_keys(user_name TEXT, key_name TEXT PRIMARY KEY, private_key TEXT, fingerprint TEXT);`

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "schema-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

interface Entry {
  name: string
  sql: string
}

/** Everything that was made by SQL, by name, as it was written. */
function schemaOf(path: string): Entry[] {
  const db = new Database(path)
  const entries = db
    .query<Entry, []>("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
    .all()
  expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" })
  db.close()
  return entries
}

const databases = [
  ["usage", openUsageDb, oldUsage],
  ["users", openUsersDb, oldUsers],
] as const

test.each(databases)("a new %s.db has the schema of the fixture", (name, open) => {
  const path = join(directory, `${name}.db`)
  open({ path, clock, create: true }).close()
  const found = `${schemaOf(path)
    .map(({ sql }) => `${sql};`)
    .join("\n\n")}\n`
  const fixture = join(fixtures, "schema", `${name}.sql`)
  if (process.env.UPDATE_SCHEMA === "1") writeFileSync(fixture, found)
  expect(found).toBe(readFileSync(fixture, "utf8"))
})

test.each(databases)(
  "an old %s.db arrives at the same one, but for the old tables' own text",
  (_name, open, sql) => {
    const [fresh, migrated] = [join(directory, "fresh.db"), join(directory, "old.db")]
    open({ path: fresh, clock, create: true }).close()
    const old = new Database(migrated)
    old.run(sql)
    const before = schemaEntries(old)
    old.close()
    chmodSync(migrated, 0o600)
    open({ path: migrated, clock, migrated: () => {} }).close()
    const own = new Set(before.map((entry) => entry.name))
    const ours = (path: string) => schemaOf(path).filter((entry) => !own.has(entry.name))
    expect(ours(migrated)).toEqual(ours(fresh))
    expect(schemaOf(migrated).map((entry) => entry.name)).toEqual(schemaOf(fresh).map((entry) => entry.name))
  },
)

function schemaEntries(db: Database): Entry[] {
  return db.query<Entry, []>("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
}
