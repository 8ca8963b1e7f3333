/** What a student's launches, changes and attempts add to the data directory, log and databases together: bounded by the day. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { auditShares, dailyShareBytes } from "../../../lib/host/files/audit_shares.ts"
import { end, extend } from "../../../lib/operations/launches/change.ts"
import { launch } from "../../../lib/operations/launches/launch.ts"
import { type CourseDay, courseDay, student } from "../../support/course_day.ts"
import { handAt } from "../../support/databases.ts"
import { clockOf, depsOf, type TestDeps } from "../../support/deps.ts"
import { startEmulator } from "../../support/emulator.ts"

const emulator = await startEmulator()
const { proxy } = emulator
/** Of a login in a day, wherever it comes from. */
const mostBytes = 10_000_000
/** 40 lines of 2000 bytes an hour, in the log and in the ledger, with a row's own bytes. */
const refusalBytes = 24 * 40 * (2000 + 2400)
const really = { dryRun: false }
let day: CourseDay
let deps: TestDeps

beforeEach(async () => {
  day = await courseDay(emulator, { limits: { budget: 100_000 } })
  proxy.world.clock.stop(Date.now())
  deps = depsOf(day.course, { login: student, clock: clockOf(proxy) })
})
afterEach(() => {
  deps.close()
  day.close()
})
afterAll(() => emulator.stop())

const logPath = () => join(day.course.dataDir, "audit-log")
const logBytes = () => statSync(logPath()).size

/** Pages in use, whatever is in the write-ahead log, and every file that is no database. */
function allBytes(): number {
  let sum = 0
  for (const name of readdirSync(day.course.dataDir, { recursive: true, encoding: "utf8" })) {
    const path = join(day.course.dataDir, name)
    if (/\.db(-\w+)?$/.test(name) || !statSync(path).isFile()) continue
    sum += statSync(path).size
  }
  for (const name of ["usage.db", "users.db"]) {
    const db = handAt(join(day.course.dataDir, name))
    const of = (pragma: string) => Object.values(db.query(`PRAGMA ${pragma}`).get() as object)[0] as number
    sum += (of("page_count") - of("freelist_count")) * of("page_size")
    db.close()
  }
  return sum
}

let tokens = 0
async function launchOne(): Promise<string> {
  const order = {
    ...{ image_id: emulator.fixtures.image, instance_type: "m1.small", key_name: "default" },
    client_token: `token-${tokens++}-${"x".repeat(40)}`,
  }
  return (await launch(deps, toOrder(order))).instances[0]?.id ?? ""
}

const rounds = 60
/** What the day's share comes to, where all of it is spent like this. */
async function bytesADay(round: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 10; i++) await round()
  const before = { all: allBytes(), log: logBytes() }
  for (let i = 0; i < rounds; i++) await round()
  const [all, log] = [allBytes() - before.all, logBytes() - before.log]
  expect(log).toBeGreaterThan(rounds * 50)
  return (all / log) * dailyShareBytes + refusalBytes
}

describe("a day of one login adds less than 10 MB", () => {
  test("by launches that are ended at once", async () => {
    expect(
      await bytesADay(async () => {
        const id = await launchOne()
        await proxy.advance(1000)
        await end(deps, "terminate", [id], really)
      }),
    ).toBeLessThan(mostBytes)
  }, 240_000)

  test("by launches that EC2 refuses", async () => {
    proxy.faults.add({ kind: "refuse", action: "RunInstances", times: Number.POSITIVE_INFINITY })
    expect(await bytesADay(() => launchOne().catch(() => {}))).toBeLessThan(mostBytes)
  }, 240_000)

  test("by extending a second at a time", async () => {
    const id = await launchOne()
    expect(await bytesADay(() => extend(deps, [id], 1000, really))).toBeLessThan(mostBytes)
  }, 240_000)
})

describe("a login that has used up its share of the day", () => {
  async function spendShare(): Promise<void> {
    auditShares(join(day.course.dataDir, "shares"), clockOf(proxy)).spend(student, dailyShareBytes)
  }

  test("launches and extends nothing more, and ends what it has, with a line", async () => {
    const id = await launchOne()
    await spendShare()
    await expect(launchOne()).rejects.toThrow(`${student} has changed too much today`)
    await expect(extend(deps, [id], 60_000, really)).rejects.toThrow(`${student} has changed too much today`)
    const { ids } = await end(deps, "terminate", [id], really)
    expect(ids).toEqual([id])
    expect(await Bun.file(logPath()).text()).toContain(`${student}: terminate ${id}: done (request `)
  })

  test("writes of endings that fail no more than of refusals, and of those that ended already nothing", async () => {
    const id = await launchOne()
    await spendShare()
    const clear = proxy.faults.add({
      ...{ kind: "refuse", action: "TerminateInstances", times: Number.POSITIVE_INFINITY },
    })
    const lines = async () => (await Bun.file(logPath()).text()).split("\n").length
    const before = await lines()
    for (let i = 0; i < 60; i++) await end(deps, "terminate", [id], really)
    expect((await lines()) - before).toBe(40)
    clear()
    await end(deps, "terminate", [id], really)
    await proxy.advance(120_000)
    const ended = await lines()
    for (let i = 0; i < 10; i++) await end(deps, "terminate", [id], really)
    expect((await lines()) - ended).toBe(0)
  }, 240_000)
})
