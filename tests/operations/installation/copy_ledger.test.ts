import { Database } from "bun:sqlite"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { PostgresSettings } from "../../../lib/base/database.ts"
import { noMicroUsd } from "../../../lib/base/money.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { markMoved } from "../../../lib/db/migrate.ts"
import { openDb } from "../../../lib/db/open.ts"
import { openUsageDb, type UsageDb } from "../../../lib/db/usage_db.ts"
import { usageSteps } from "../../../lib/db/usage_schema.ts"
import { openUsersDb } from "../../../lib/db/users_db.ts"
import { always } from "../../../lib/decisions/pricing/costs.ts"
import { systemClock as clock } from "../../../lib/host/clock.ts"
import { loadConfig } from "../../../lib/host/config/config.ts"
import { auditLog } from "../../../lib/host/files/audit.ts"
import { ownProcess } from "../../../lib/host/processes/process_identity.ts"
import { copyFrom, copyTo } from "../../../lib/operations/installation/copy_ledger.ts"
import { totals } from "../../../lib/operations/reports/totals.ts"
import { instanceWith } from "../../support/ledger.ts"
import { oldRules, putOldDatabase } from "../../support/old_database.ts"
import { type PostgresServer, postgresBinaries, startServer } from "../../support/postgres.ts"
import { noteSkipped } from "../../support/skips.ts"
import { type Workspace, workspace } from "../../support/tools.ts"

const describeOrSkip = postgresBinaries ? describe : describe.skip
let server: PostgresServer
let database: PostgresSettings
let old: Workspace
let shared: Workspace
beforeAll(() => {
  if (!postgresBinaries) return noteSkipped("PostgreSQL: its server is not installed (Debian: postgresql)")
  server = startServer()
})
afterAll(() => server?.remove())

const login = "cs61c"
const deps = ({ configPath }: Workspace) => {
  const config = loadConfig(configPath)
  return { config, clock, audit: auditLog(config.paths.auditLog, clock) }
}
const oldUsage = () => openUsageDb({ path: join(old.dataDir, "usage.db"), clock })
const newUsage = () => openUsageDb({ path: join(shared.dataDir, "usage.db"), clock, server: database })
const spentOf = (db: UsageDb) =>
  [...totals(db, db.prices.tariff(deps(shared).config), always, utcMsOf(Date.UTC(2026, 1, 1)))].sort()

beforeEach(() => {
  database = server.newDatabase()
  old = workspace({ config: oldRules })
  shared = workspace({ config: oldRules, server: database })
  putOldDatabase(old)
  const users = openUsersDb({ path: join(old.dataDir, "users.db"), clock, create: true })
  users.transaction(() => {
    users.users.add({ login: "cs61c-aa", createdAt: "2026-01-01", createdBy: login, password: "pä55" })
    for (const id of ["AKIB", "AKIA"]) users.accessKeys.add("cs61c-aa", { id, secret: `secret of ${id}` })
  })
  users.close()
  const usage = oldUsage()
  usage.transaction(() => {
    usage.ledger.recordLaunch({
      login: "cs61c-aa",
      reservationId: "r-1",
      instances: [instanceWith({ id: "i-0aa" })],
    })
    usage.reservations.add({
      ...{ id: "r-1", login: "cs61c-aa", kind: "launch", region: "us-east-1", instanceType: "m1.small" },
      ...{ market: "on-demand", keyName: "k", image: "ami-1", count: 1, usageOperation: "" },
      ...{
        microUsdPerHour: noMicroUsd,
        storageMicroUsdPerHour: noMicroUsd,
        addressMicroUsdPerHour: noMicroUsd,
      },
      ...{ worstMicroUsd: noMicroUsd, leaseEndsAtUtcMs: clock.now(), instanceId: null },
      ...{ process: ownProcess(), createdAtUtcMs: clock.now() },
    })
    usage.notices.add({
      login: "cs61c-aa",
      about: "x",
      text: "said",
      createdAtUtcMs: utcMsOf(1),
      expiresAtUtcMs: utcMsOf(2),
    })
  })
  usage.close()
})
afterEach(() => {
  old.remove()
  shared.remove()
})

const settleAll = (db: UsageDb) =>
  db.transaction(() => db.reservations.finish("r-1", "settled", "", clock.now()))

describeOrSkip("moving a ledger", () => {
  test("to a server and back keeps every row and what everybody spent", () => {
    const before = oldUsage()
    settleAll(before)
    const spent = spentOf(before)
    expect(spent.length).toBeGreaterThan(3)
    before.close()
    expect(copyFrom(deps(shared), old.dataDir, login)[0]).toContain("compared their sums")
    const there = newUsage()
    expect(spentOf(there)).toEqual(spent)
    expect(there.freezes.current()).toBeNull()
    // Numbers go on where they were.
    there.transaction(() =>
      there.notices.add({
        login: "cs61c-aa",
        about: "y",
        text: "new",
        createdAtUtcMs: utcMsOf(1),
        expiresAtUtcMs: utcMsOf(9e15),
      }),
    )
    expect(there.notices.pending("cs61c-aa", utcMsOf(5)).map(({ id }) => id)).toEqual([2])
    there.close()
    const users = openUsersDb({ path: join(shared.dataDir, "users.db"), clock, server: database })
    expect(users.accessKeys.ofUser("cs61c-aa").map(({ id }) => id)).toEqual(["AKIB", "AKIA"])
    expect(users.users.get("cs61c-aa")?.password).toBe("pä55")
    users.close()

    const back = join(old.directory, "back")
    mkdirSync(back, { mode: 0o700 })
    copyTo(deps(shared), back, login)
    const again = openUsageDb({ path: join(back, "usage.db"), clock })
    expect(spentOf(again)).toEqual(spent)
    expect(again.freezes.current()).toBeNull()
    again.close()
    expect(newUsage).toThrow(`moved to ${back}`)
  })

  test("takes no session along, to the server or back, and the documented pg_dump neither", () => {
    const before = oldUsage()
    settleAll(before)
    before.close()
    const session = {
      ...{ login: "cs61c-aa", boundTo: "x", accessKey: "ASIAX", isChained: 0 as const },
      ...{ secret: "secret of a session", token: "token of a session" },
      ...{ recordedAtUtcMs: utcMsOf(1), issuedAtUtcMs: utcMsOf(1) },
      ...{ endsAtUtcMs: utcMsOf(9e15), expiresAtUtcMs: utcMsOf(9e15) },
    }
    const put = (users: ReturnType<typeof openUsersDb>) => {
      users.transaction(() => {
        users.sessions.put(session)
        users.sessionFailures.put("cs61c-ab", "why", utcMsOf(1))
      })
      return users
    }
    put(openUsersDb({ path: join(old.dataDir, "users.db"), clock })).close()
    copyFrom(deps(shared), old.dataDir, login)
    const there = openUsersDb({ path: join(shared.dataDir, "users.db"), clock, server: database })
    expect([there.sessions.logins(), there.sessionFailures.get("cs61c-ab")]).toEqual([[], null])
    put(there).close()

    const page = readFileSync(join(import.meta.dir, "../../../docs/postgresql.md"), "utf8")
    const options = /`pg_dump ([^`]*)`/.exec(page)?.[1]?.split(" ") ?? []
    const parameters = Object.fromEntries(database.parameters)
    const dump = String(
      Bun.spawnSync([
        ...[join(postgresBinaries ?? "", "pg_dump"), "-h", server.socket, "-U", "postgres"],
        ...[...options, parameters.dbname ?? ""],
      ]).stdout,
    )
    expect(dump).toContain("secret of AKIA")
    expect(dump).not.toContain("of a session")

    const back = join(old.directory, "back")
    mkdirSync(back, { mode: 0o700 })
    copyTo(deps(shared), back, login)
    const again = openUsersDb({ path: join(back, "users.db"), clock })
    expect(again.sessions.logins()).toEqual([])
    again.close()
  })

  test("leaves a ledger behind that nobody opens, and that admits nothing to who has it open", () => {
    const open = oldUsage()
    settleAll(open)
    copyFrom(deps(shared), old.dataDir, login)
    expect(open.freezes.current()?.reason).toBe(`the ledger moved to ${database.name}`)
    open.close()
    expect(oldUsage).toThrow(`moved to ${database.name}; nothing is launched by this one any more`)
    expect(() => openUsersDb({ path: join(old.dataDir, "users.db"), clock })).toThrow("moved to")
  })

  test("waits for no launch that is under way: it is refused, and nothing has changed", () => {
    expect(() => copyFrom(deps(shared), old.dataDir, login)).toThrow(
      "1 launch under way; wait for it, or end it",
    )
    const still = oldUsage()
    expect(still.freezes.current()).toBeNull()
    still.close()
  })

  test("goes on after it was killed when the old one was closed already", () => {
    const before = oldUsage()
    settleAll(before)
    const spent = spentOf(before)
    before.close()
    const raw = openDb({ path: join(old.dataDir, "usage.db"), clock }, "ec2_usage", usageSteps)
    raw.transaction(() => markMoved(raw, database.name))
    raw.close()
    expect(oldUsage).toThrow("moved to")
    copyFrom(deps(shared), old.dataDir, login)
    const there = newUsage()
    expect(spentOf(there)).toEqual(spent)
    there.close()
  })

  test("a row that the other engine cannot keep ends it: the old ledger goes on", () => {
    const open = oldUsage()
    settleAll(open)
    open.close()
    const hand = new Database(join(old.dataDir, "usage.db"))
    hand.run("INSERT INTO instances VALUES ('i-odd', 'm1.small', 1, 2, '3', 0, x'ff00')")
    hand.close()
    expect(() => copyFrom(deps(shared), old.dataDir, login)).toThrow("username holds bytes that are no text")
    const still = oldUsage()
    expect(still.freezes.current()).toBeNull()
    still.close()
    const there = newUsage()
    expect(there.ledger.instances.get("i-0aa")).toBeNull()
    there.close()
  })

  test("into a server that holds a ledger is refused", () => {
    const open = oldUsage()
    settleAll(open)
    open.close()
    copyFrom(deps(shared), old.dataDir, login)
    expect(() => copyFrom(deps(shared), old.dataDir, login)).toThrow("it holds a ledger already")
  })

  test("without a server in the config is a mistake of usage", async () => {
    const { stderr, code } = await old.run("init_dbs", ["--copy-from", shared.dataDir])
    expect(stderr).toContain("has no [database] to copy from or to")
    expect(code).toBe(2)
  })
})
