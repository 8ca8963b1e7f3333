/** `ec2-util --credentials` where AWS, the clock or the disk is in the way. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { utcMsOf } from "../../lib/base/time.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { auditShares, dailyShareBytes } from "../../lib/host/files/audit_shares.ts"
import { compiledTool, root } from "../support/build.ts"
import { handAt } from "../support/databases.ts"
import { startEmulator } from "../support/emulator.ts"
import { atTime, faketimeLibrary } from "../support/faketime.ts"
import { skipWithout } from "../support/skips.ts"
import { smallDisk, whyNoSmallDisk } from "../support/small_disk.ts"
import { type RunOptions, type Workspace, workspace } from "../support/tools.ts"

const emulator = await startEmulator()
const { proxy } = emulator
const student = "cs61c-aa"
let course: Workspace
beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint, config: { identity: { credentials: "sessions" } } })
  await course.run("init_dbs")
  await course.run("setup")
  expect((await course.run("ec2_util", ["--init"], { as: student })).code).toBe(0)
})
afterEach(() => course.remove())
afterAll(() => emulator.stop())

const credentials = (options: RunOptions = {}) =>
  course.run("ec2_util", ["--credentials"], { as: student, ...options })
const assumed = () => proxy.calls.filter(({ action }) => action === "AssumeRole").length
const recorded = () => {
  const db = handAt(join(course.dataDir, "users.db"))
  const rows = db.query<Record<string, number>, []>("SELECT * FROM sessions").all()
  db.close()
  return rows
}

describe("AssumeRole", () => {
  test("that is throttled for a moment is asked again", async () => {
    proxy.faults.add({ kind: "throttle", action: "AssumeRole", times: 2 })
    expect(await credentials()).toMatchObject({ stderr: "", code: 0 })
    expect(assumed()).toBe(3)
  })

  test("that is throttled all the time says when to try again", async () => {
    proxy.faults.add({ kind: "throttle", action: "AssumeRole", times: Number.POSITIVE_INFINITY })
    const reason =
      "AWS has too many requests of this account at once (ThrottlingException); try again in a minute"
    expect(await credentials()).toEqual({ stdout: "", stderr: `ec2_util: credentials: ${reason}\n`, code: 1 })
    expect(recorded()).toEqual([])
  })

  test("that is slow is waited for, by all who ask, and asked once", async () => {
    proxy.faults.add({ kind: "delay", action: "AssumeRole", delayMs: 4000 })
    const all = await Promise.all([credentials(), credentials(), credentials()])
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(assumed()).toBe(1)
  })

  test("is not asked by a login that has filled its share of the log, whose session lasts on", async () => {
    expect((await credentials()).code).toBe(0)
    auditShares(join(course.dataDir, "shares"), systemClock).spend(student, dailyShareBytes)
    expect((await credentials()).code).toBe(0)
    const db = handAt(join(course.dataDir, "users.db"))
    db.run("UPDATE sessions SET ends_at_utc_ms = ?", [Date.now() + 60_000])
    db.close()
    const refused = await credentials()
    expect(refused.stderr).toContain(`${student} has changed too much today; try again tomorrow (UTC)`)
    expect(refused.stdout).toBe("")
    expect(assumed()).toBe(1)
  })
})

describe.skipIf(faketimeLibrary === null || skipWithout("faketime"))("a host's clock", () => {
  for (const minutes of [-10, 10]) {
    test(`${Math.abs(minutes)} minutes ${minutes < 0 ? "behind" : "ahead"} makes no session longer than AWS's`, async () => {
      proxy.world.knobs.checksDates = true
      const ask = () =>
        credentials({ env: atTime(utcMsOf(Date.now() + minutes * 60_000), { ticking: true }) })
      const { stdout, stderr, code } = await ask()
      expect({ stderr, code }).toEqual({ stderr: "", code: 0 })
      // What a client is told is AWS's time; what the host goes by is its own.
      const endMs = Date.parse(JSON.parse(stdout).Expiration)
      expect(endMs - Date.now()).toBeGreaterThan(55 * 60_000)
      expect(endMs - Date.now()).toBeLessThanOrEqual(60 * 60_000)
      const [row] = recorded()
      expect(Math.abs(Number(row?.ends_at_utc_ms) - (endMs + minutes * 60_000))).toBeLessThan(30_000)
      // The second run's clock begins at a whole second, which must not be before what the first one recorded.
      await Bun.sleep(1100)
      expect((await ask()).stdout).toBe(stdout)
      expect(assumed()).toBeLessThanOrEqual(2)
    })
  }
})

const noDisk = whyNoSmallDisk()
describe.skipIf(noDisk !== null)("a full disk", () => {
  const tool =
    process.env.TEST_TOOLS === "compiled"
      ? compiledTool("ec2_util")
      : `${process.execPath} ${join(root, "scripts", "ec2_util.ts")}`

  test("gives the recorded session, no new one, and one line that says whose turn it is", async () => {
    const disk = await smallDisk(course)
    const ask = () =>
      disk.inside(
        `HOME=${course.home(student)} REAL_USERNAME=${student} EC2_WRAPPERS_CONFIG=${course.configPath} ${tool} --credentials`,
      )
    try {
      await disk.fill()
      const refused = await ask()
      expect(refused.stdout).toBe("")
      expect(refused.stderr).toMatch(/^ec2_util: [^\n]*(disk|full|space)[^\n]*\n$/)
      expect(refused.code).toBe(1)
      await disk.free()
      const given = await ask()
      expect(given.code).toBe(0)
      await disk.fill()
      // SQLite may need room to open a database: then that is said, and nothing else is given.
      const full = await ask()
      if (full.code === 0) expect(full.stdout).toBe(given.stdout)
      else expect([full.stdout, full.stderr]).toEqual(["", expect.stringMatching(/^ec2_util: [^\n]+\n$/)])
      await disk.free()
      expect((await ask()).stdout).toBe(given.stdout)
      const log = await disk.inside(`cat ${course.dataDir}/audit-log`)
      const { SecretAccessKey, SessionToken } = JSON.parse(given.stdout)
      for (const secret of [SecretAccessKey, SessionToken]) expect(log.stdout).not.toContain(secret)
    } finally {
      await disk.end()
    }
  }, 120_000)
})

test("a backup and an upgrade's copy hold no session", async () => {
  const { SecretAccessKey, SessionToken } = JSON.parse((await credentials()).stdout)
  const { backup } = JSON.parse((await course.run("backup_dbs", ["--json"])).stdout)
  const bytes = readFileSync(join(backup, "users.db"), "latin1")
  for (const secret of [SecretAccessKey, SessionToken]) {
    expect(readFileSync(join(course.dataDir, "users.db"), "latin1") + walOf()).toContain(secret)
    expect(bytes).not.toContain(secret)
  }
})

const walOf = () => {
  try {
    return readFileSync(join(course.dataDir, "users.db-wal"), "latin1")
  } catch {
    return ""
  }
}
