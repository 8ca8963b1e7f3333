/** What the old record_usage.py, usage_cron.py and usage_report.py did wrong, each shown not to happen here. */

import { Database } from "bun:sqlite"
import { describe, expect, spyOn, test } from "bun:test"
import { StartInstancesCommand, StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import { fromJulianDay, msPerHour, msPerMinute } from "../../../lib/base/time.ts"
import { always } from "../../../lib/decisions/pricing/costs.ts"
import { totals } from "../../../lib/operations/reports/totals.ts"
import { beforeEachFresh, type CronWorld, launchFor } from "../../support/cron_world.ts"
import { handAt } from "../../support/databases.ts"
import { putOldDatabase } from "../../support/old_database.ts"
import { workspace } from "../../support/tools.ts"

let emulator: CronWorld["emulator"]
let course: CronWorld["course"]
beforeEachFresh((world) => {
  ;({ emulator, course } = world)
})

const launch = (count = 1, login = "cs61c-ab") =>
  launchFor(emulator, login, { MinCount: count, MaxCount: count })

/** An open look at the database, as people take by hand. */
function byHand<T>(sql: string): T[] {
  const db = handAt(course.config.paths.usageDb)
  const rows = db.query<T, []>(sql).all()
  db.close()
  return rows
}

describe("usage_cron", () => {
  test("legacy defect: an instance that vanished before it was seen terminated counted as running for ever", async () => {
    const [id = ""] = await launch()
    await course.cron()
    await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(3 * msPerHour)
    expect((await course.cron())?.vanished).toBe(1)
    expect(byHand("SELECT * FROM pending_instance_times")).toEqual([])
    const [row] = byHand<{ hours: number }>("SELECT hours FROM finished_instance_times")
    await emulator.proxy.advance(1000 * msPerHour)
    await course.cron()
    expect(byHand<{ hours: number }>("SELECT hours FROM finished_instance_times")[0]).toEqual(row as never)
  })

  test("legacy defect: the end time was the time of the cron run rather than of the termination", async () => {
    const [id = ""] = await launch()
    await course.cron()
    await emulator.proxy.advance(2 * msPerHour)
    const terminatedUtcMs = emulator.proxy.world.clock.now()
    await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(40 * msPerMinute)
    await course.cron()
    const [row] = byHand<{ end_time: number }>("SELECT end_time FROM instances")
    expect(Math.abs(fromJulianDay(row?.end_time ?? 0) - terminatedUtcMs)).toBeLessThan(1000)
  })

  test("legacy defect: no pagination", async () => {
    emulator.proxy.world.knobs.pageSize = 2
    const ids = await launch(5)
    expect((await course.cron())?.instances).toBe(5)
    const rows = byHand<{ instance_id: string }>("SELECT instance_id FROM pending_instances")
    expect(rows.map(({ instance_id }) => instance_id).sort()).toEqual(ids.sort())
    expect(emulator.proxy.calls.filter(({ action }) => action === "DescribeInstances").length).toBe(3)
  })

  test("legacy defect: an instance without a key crashed cron", async () => {
    await launch(1, "")
    const { stderr, code } = await course.course.run("usage_cron")
    expect([stderr, code]).toEqual(["", 0])
    expect(byHand("SELECT username FROM instances")).toEqual([{ username: "" }])
  })

  test("legacy defect: a new row each time cron saw the instance stopped", async () => {
    const [id = ""] = await launch()
    await course.cron()
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    for (let look = 0; look < 4; look++) {
      await emulator.proxy.advance(msPerHour)
      await course.cron()
    }
    expect(byHand("SELECT instance_id, running_time FROM instance_stopped")).toEqual([
      { instance_id: id, running_time: null },
    ])
  })

  test("legacy defect: a restart made cron fail, and the stop was never closed", async () => {
    const [id = ""] = await launch()
    await course.cron()
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(5 * msPerHour)
    await course.cron()
    await emulator.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(msPerHour)
    expect((await course.cron())?.warnings).toEqual([])
    const stops = byHand<{ running_time: number | null }>("SELECT running_time FROM instance_stopped")
    expect(stops.length).toBe(1)
    expect(stops[0]?.running_time).not.toBeNull()
  })

  test("legacy defect: mixed units, so that the view could not subtract a stop", async () => {
    const [id = ""] = await launch()
    await course.cron()
    await emulator.proxy.advance(msPerHour)
    await emulator.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(msPerHour / 2)
    await course.cron()
    await emulator.proxy.advance(4.5 * msPerHour)
    await emulator.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(msPerHour)
    await course.cron()
    await emulator.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    await emulator.proxy.advance(msPerMinute)
    await course.cron()
    const [stopped] = byHand<{ hours: number }>("SELECT stopped_hours AS hours FROM instance_stopped_time")
    expect(stopped?.hours).toBeCloseTo(5, 2)
    // Two hours and minutes of seven.
    expect(byHand("SELECT hours FROM finished_instance_times")).toEqual([{ hours: 3 }])
  })
})

describe("usage_report", () => {
  test("legacy defect: unknown types crashed the report", async () => {
    const old = workspace({ endpoint: "http://127.0.0.1:9" })
    putOldDatabase(old)
    for (const user of ["cs61c-ae", "ALL"]) {
      const { stdout, stderr, code } = await old.run("usage_report", [user, "--offline"])
      expect([stderr, code]).toEqual(["", 0])
      expect(stdout).toMatch(/unpriced/)
    }
    old.remove()
  })

  test("legacy defect: the students cs61c-ta … cs61c-tz could ask for any user's report", async () => {
    await course.cron()
    const asked = (as: string) => course.course.run("usage_report", ["cs61c-ab", "--offline"], { as })
    for (const student of ["cs61c-tb", "cs61c-tz"])
      expect(await asked(student)).toMatchObject({ code: 3, stdout: "" })
    expect((await asked("cs61c-ta")).code).toBe(0)
  })

  test("legacy defect: ALL ran three unindexed queries per user", () => {
    const { usageDb, config, clock } = course
    const asked = (users: number) => {
      const db = handAt(config.paths.usageDb)
      const insert = db.query(
        "INSERT OR IGNORE INTO instances VALUES (?, 't3.micro', 2455501.5, ?, '1', 0, ?)",
      )
      for (let user = 0; user < users; user++)
        for (const end of [2455501.6, null]) insert.run(`i-${user}-${end}`, end, `cs61c-${user}`)
      db.close()
      // The first look after a change sums the old rows of whoever they belong to, by index; every later one finds the sums.
      totals(usageDb, usageDb.prices.tariff(config), always, clock.now())
      const queries: string[] = []
      const seen = spyOn(Database.prototype, "query").mockImplementation(function (
        this: Database,
        sql: string,
      ) {
        queries.push(sql)
        return this.prepare(sql)
      } as never)
      const found = totals(usageDb, usageDb.prices.tariff(config), always, clock.now())
      seen.mockRestore()
      expect(found.size).toBe(users)
      return queries
    }
    const few = asked(2)
    expect(asked(200)).toEqual(few)
    expect(few.length).toBeGreaterThan(0)
  })
})
