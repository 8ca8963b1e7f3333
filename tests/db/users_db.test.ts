import { Database } from "bun:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utcMsOf } from "../../lib/base/time.ts"
import { openUsersDb, type UsersDb } from "../../lib/db/users_db.ts"
import { systemClock as clock } from "../../lib/host/clock.ts"

let directory: string
let path: string
let db: UsersDb
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "users-db-"))
  path = join(directory, "users.db")
})
afterEach(() => {
  db?.close()
  rmSync(directory, { recursive: true, force: true })
})

const user = (login: string) => ({
  login,
  createdAt: "2026-11-22T00:00:00Z",
  createdBy: login,
  password: null,
})
const create = () => {
  db = openUsersDb({ path, clock, create: true })
  return db
}
/** A database as the 2010 tools left it: no foreign keys, keys of a user who was deleted. */
const createOld = () => {
  const old = new Database(path, { create: true })
  old.run(`
    CREATE TABLE users(user_name TEXT PRIMARY KEY, create_time TEXT, create_account TEXT, login_password TEXT);
    CREATE TABLE access_keys(user_name TEXT REFERENCES users(user_name) ON DELETE CASCADE,
      access_key TEXT PRIMARY KEY, secret_access_key TEXT);
    CREATE TABLE ssh_keys(user_name TEXT REFERENCES users(user_name) ON DELETE CASCADE,
      key_name TEXT PRIMARY KEY, private_key TEXT, fingerprint TEXT);
    INSERT INTO users VALUES ('cs61c-aa', '2010-09-01T12:00:00', 'cs61c', 'pa55word');
    INSERT INTO access_keys VALUES ('cs61c-aa', 'AKIAAA', 'secret-aa'), ('cs61c-zz', 'AKIAZZ', 'secret-zz');
    INSERT INTO ssh_keys VALUES ('cs61c-zz', 'cs61c-zz-default', 'PEM', 'aa:bb');`)
  old.close()
  chmodSync(path, 0o600)
}

describe("users.db", () => {
  test("a database of the old tools opens in place, with all that it held", () => {
    createOld()
    db = openUsersDb({ path, clock, migrated: () => {} })
    expect(db.users.get("cs61c-aa")).toEqual({
      login: "cs61c-aa",
      createdAt: "2010-09-01T12:00:00",
      createdBy: "cs61c",
      password: "pa55word",
    })
    expect(db.accessKeys.ofUser("cs61c-aa")).toEqual([{ id: "AKIAAA", secret: "secret-aa" }])
    expect(db.sshKeys.get("cs61c-zz", "cs61c-zz-default")).toEqual({
      name: "cs61c-zz-default",
      privateKey: "PEM",
      publicKey: null,
      fingerprint: "aa:bb",
    })
    expect(db.users.logins()).toEqual(["cs61c-aa", "cs61c-zz"])
  })

  test("legacy defect: foreign keys were never switched on, so deleting a user left its keys behind", () => {
    createOld()
    db = openUsersDb({ path, clock, migrated: () => {} })
    db.users.remove("cs61c-aa")
    db.users.remove("cs61c-zz")
    expect(db.users.logins()).toEqual([])
    expect(() => db.accessKeys.add("cs61c-nobody", { id: "AKIA", secret: "s" })).toThrow("FOREIGN KEY")
  })

  test("the old tables stay filled and true, for those who query them by hand", () => {
    create()
    db.users.add({ ...user("cs61c-ab"), password: "p" })
    db.accessKeys.add("cs61c-ab", { id: "AKIAB", secret: "s" })
    db.sshKeys.put("cs61c-ab", {
      name: "cs61c-ab-default",
      privateKey: "PEM",
      publicKey: null,
      fingerprint: "f",
    })
    const byHand = new Database(path, { readonly: true })
    expect(byHand.query("SELECT * FROM users").values()).toEqual([
      ["cs61c-ab", "2026-11-22T00:00:00Z", "cs61c-ab", "p"],
    ])
    expect(byHand.query("SELECT user_name, access_key, secret_access_key FROM access_keys").values()).toEqual(
      [["cs61c-ab", "AKIAB", "s"]],
    )
    expect(
      byHand.query("SELECT user_name, key_name, private_key, fingerprint FROM ssh_keys").values(),
    ).toEqual([["cs61c-ab", "cs61c-ab-default", "PEM", "f"]])
    byHand.close()
  })

  test("a key of another user is not found", () => {
    create()
    db.users.add(user("cs61c-ab"))
    db.sshKeys.put("cs61c-ab", {
      name: "cs61c-ab-default",
      privateKey: null,
      publicKey: null,
      fingerprint: "f",
    })
    expect(db.sshKeys.get("cs61c-a", "cs61c-ab-default")).toBeNull()
  })

  test("an intent outlives the process that wrote it", () => {
    create()
    db.intents.begin("cs61c-ab", "access key", { before: ["AKIA1"], replaces: true }, utcMsOf(1))
    db.close()
    db = openUsersDb({ path, clock })
    expect(db.intents.get("cs61c-ab", "access key")).toEqual({ before: ["AKIA1"], replaces: true })
    db.intents.end("cs61c-ab", "access key")
    expect(db.intents.get("cs61c-ab", "access key")).toBeNull()
  })
})
