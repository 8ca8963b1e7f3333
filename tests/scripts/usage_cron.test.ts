import { Database } from "bun:sqlite"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { tryExclusiveLock } from "../../lib/host/processes/lock_file.ts"
import { type Emulator, startEmulator } from "../support/emulator.ts"
import { oldRules, putOldDatabase } from "../support/old_database.ts"
import { type Workspace, workspace } from "../support/tools.ts"

let emulator: Emulator
let course: Workspace
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator.stop())
beforeEach(async () => {
  await emulator.reset()
  course = workspace({ endpoint: emulator.endpoint, config: oldRules })
})
afterEach(() => course.remove())

describe("usage_cron --repair", () => {
  test("--explain says what of a phantom's bounds the totals count by hours, why, and what closes it", async () => {
    putOldDatabase(course)
    const amountIn = (text: string | undefined) => Number(/\$ *([\d.]+)/.exec(text ?? "")?.[1])
    const { stdout } = await course.run("usage_report", ["--explain", "i-00000008"])
    const counts = stdout.split("\n").find((line) => line.startsWith("    counts "))
    expect(counts).toMatch(
      /^ {4}counts \$\d+\.\d{3} in reports without dates: the old tool's row has no end, and counts \d+ hours until now; usage_cron --repair closes it$/,
    )
    const totals = JSON.parse((await course.run("usage_report", ["cs61c-ad", "--offline", "--json"])).stdout)
    expect(amountIn(counts)).toBeCloseTo(totals.running[0].highest_usd, 2)
    const { runs } = JSON.parse(
      (await course.run("usage_report", ["--explain", "i-00000008", "--json"])).stdout,
    )
    expect(amountIn(runs[0].counted)).toBe(amountIn(counts))
    await course.run("usage_cron", ["--repair"])
    const closed = await course.run("usage_report", ["--explain", "i-00000008"])
    expect(closed.stdout).not.toContain("counts")
    course.configure({ billing: { granularity: "second" } })
    const bySeconds = await course.run("usage_report", ["--explain", "i-00000004"])
    expect(bySeconds.stdout).not.toContain("counts")
  })

  test("closes nothing while another one is at work, whose listing is not there yet", async () => {
    putOldDatabase(course)
    const release = tryExclusiveLock(`${course.dataDir}/usage-cron.lock`)
    const { stdout, stderr, code } = await course.run("usage_cron", ["--repair"])
    release?.()
    expect(stderr).toContain("usage_cron: repair: there is no new listing to go by")
    expect([stdout, code]).toEqual(["", 1])
    expect((await course.run("usage_cron", ["--repair"])).stdout).toContain("1 row is closed")
  })

  test("says as JSON what it closes, and in a dry run would", async () => {
    putOldDatabase(course)
    const json = async (...args: string[]) =>
      JSON.parse((await course.run("usage_cron", ["--repair", "--json", ...args])).stdout)
    const closed = [
      { instance: "i-00000008", user: "cs61c-ad", because: expect.stringContaining("last seen") },
    ]
    expect(await json("--dry-run")).toMatchObject({ instances: 0, closed, dry_run: true })
    expect(await json()).toMatchObject({ closed, dry_run: false })
    expect(await json()).toMatchObject({ closed: [] })
  })

  test("finds a phantom that runs for ever, shows its plan, and closes it with its bounds", async () => {
    putOldDatabase(course)
    const plan = await course.run("usage_cron", ["--repair", "--dry-run"])
    expect(plan.stderr).toBe("")
    expect(plan.stdout).toStartWith(
      "i-00000008 (cs61c-ad): last seen 2010-11-07T14:24:00Z, missing when the old cron looked next",
    )
    expect(plan.stdout).toContain("1 row would be closed")
    const phantom = await course.run("usage_report", ["cs61c-ad", "--offline"])
    expect(phantom.stdout).toContain("Running instances:")
    expect(await course.run("usage_cron", ["--repair"])).toMatchObject({ code: 0 })
    const closed = await course.run("usage_report", ["cs61c-ad", "--offline"])
    expect(closed.stdout).not.toContain("Running instances:")
    const { stdout } = await course.run("usage_report", ["--explain", "i-00000008"])
    expect(stdout).toContain("between 2010-11-07T14:24:00Z and 2010-11-07T16:48:00Z")
    expect((await course.run("usage_cron", ["--repair"])).stdout).toContain(
      "no row of the old tools runs for ever",
    )
  })

  test("closes a phantom that was stopped in between as the runs that it had", async () => {
    course.configure({ billing: { granularity: "second" } })
    putOldDatabase(
      course,
      `INSERT INTO instance_stopped VALUES ('i-00000008', '2010-11-07 12:30:00', '2010-11-07 13:00:00'),
         ('i-00000008', '2010-11-07 14:00:00', NULL)`,
    )
    const explain = async () => (await course.run("usage_report", ["--explain", "i-00000008"])).stdout
    expect(await explain()).toContain("    end    2010-11-07T12:30:00Z (observed at EC2)\n")
    expect(await course.run("usage_cron", ["--repair"])).toMatchObject({ code: 0 })
    const found = await explain()
    expect(found.match(/^ {4}start .*/gm)).toEqual([
      "    start  2010-11-07T12:00:00Z (observed at EC2)",
      "    start  2010-11-07T13:00:00Z (observed at EC2)",
    ])
    expect(found).toContain("    end    2010-11-07T12:30:00Z (observed at EC2)\n")
    expect(found).toContain("    end    between 2010-11-07T14:00:00Z and 2010-11-07T16:48:00Z")
  })

  test("takes rows that one look of the old cron wrote seconds apart for no later look", async () => {
    putOldDatabase(
      course,
      "UPDATE instances SET last_seen = CAST(2455508.1 + 9 / 86400.0 AS TEXT) WHERE instance_id = 'i-0000000a'",
    )
    const plan = await course.run("usage_cron", ["--repair", "--dry-run"])
    expect(plan.stdout).toContain(
      "last seen 2010-11-07T14:24:00Z, missing when the old cron looked next, at 2010-11-07T16:48:00Z",
    )
  })

  test("closes a row that runs for ever and has no start, without a price", async () => {
    const path = putOldDatabase(
      course,
      `DELETE FROM instances WHERE end_time IS NULL;
       INSERT INTO instances VALUES ('i-a', 'm1.small', NULL, NULL, '2455508.1', 0, 'cs61c-zq'),
         ('i-b', 'm1.small', NULL, NULL, NULL, 0, 'cs61c-zq'),
         ('i-c', 'm1.small', 0, NULL, '2455508.1', 0, 'cs61c-zr')`,
    )
    const days = await course.run("usage_report", ["cs61c-zr", "--offline", "--by", "day"])
    expect([days.code, days.stdout.split("\n").length < 10]).toEqual([0, true])
    const plan = await course.run("usage_cron", ["--repair", "--dry-run"])
    expect(plan.stdout).toContain(
      "i-a (cs61c-zq): no start recorded, last seen 2010-11-07T14:24:00Z, missing",
    )
    expect(plan.stdout).toContain("i-b (cs61c-zq): no start recorded, never seen by date\n")
    expect(plan.stdout).toContain("i-c (cs61c-zr): no start recorded, last seen")
    expect(await course.run("usage_cron", ["--repair"])).toMatchObject({ code: 0, stderr: "" })
    expect((await course.run("usage_cron", ["--repair"])).stdout).toContain(
      "no row of the old tools runs for ever",
    )
    const db = new Database(path, { readonly: true })
    expect(db.query("SELECT * FROM pending_instances").all()).toEqual([])
    db.close()
    const { stdout, code } = await course.run("usage_report", ["cs61c-zq", "--offline", "--json"])
    expect([code, JSON.parse(stdout).total.unpriced]).toEqual([0, 1])
    const explained = await course.run("usage_report", ["--explain", "i-a"])
    expect(explained.stdout).toContain("no start recorded, last seen 2010-11-07T14:24:00Z")
  })
})

test("usage_cron refuses options that it would pass over", async () => {
  await course.run("init_dbs")
  for (const [args, says] of [
    [["--refresh-prices", "--enforce"], "leave --enforce out"],
    [["--refresh-prices", "--dry-run"], "leave --dry-run out"],
    [["--dry-run"], "give one of them"],
  ] as [string[], string][]) {
    const { stdout, stderr, code } = await course.run("usage_cron", args)
    expect(stderr).toMatch(new RegExp(`^usage_cron: options: [^\n]*${says}\n$`))
    expect([stdout, code]).toEqual(["", 2])
  }
})
