import { Database } from "bun:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { oldRules, oldTotals, putOldDatabase, putUntouchedOldDatabase } from "../support/old_database.ts"
import { type Workspace, workspace } from "../support/tools.ts"

let course: Workspace
beforeEach(() => {
  // Nothing listens there.
  course = workspace({ endpoint: "http://127.0.0.1:9", config: oldRules })
})
afterEach(() => course.remove())

const report = (...args: string[]) => course.run("usage_report", args)
const amount = (text: string) => Number(/\$\s*([\d.]+)$/.exec(text.trim())?.[1])
const lineWith = (text: string, part: string) => text.split("\n").find((line) => line.includes(part)) ?? ""

describe("usage_report on a database of the old tools", () => {
  test("an old usage.db gives the old tool's totals to the cent", async () => {
    const path = putOldDatabase(course)
    const before = oldTotals(path)
    const { stdout, code, stderr } = await report("ALL")
    expect(stderr).toBe("")
    for (const [login, total] of before) {
      if (login === "cs61c-ae") continue // unpriced
      expect(amount(lineWith(stdout, login))).toBeCloseTo(total, 2)
      const one = await report(login, "--offline")
      expect(amount(lineWith(one.stdout, "estimated total"))).toBeCloseTo(total, 2)
    }
    expect(stdout.trim().split("\n").at(-1)).toMatch(/^\(sum = \$\s*\d+\.\d{3}\)$/)
    expect(code).toBe(0)
  })

  test.each([[{}], [{ term_start: "2009-01-01" }]])(
    "the lines are the old tool's to the letter: %j",
    async (term) => {
      course.configure({ course: term })
      putOldDatabase(course)
      const { stdout } = await report("cs61c-aa", "--offline")
      expect(stdout).toBe(`Usage report for cs61c-aa:
Pending spot requests:
    1 hours of   m1.small (spot) @ $0.059 = $ 0.059
Total cost $ 0.059
Finished instances:
    7 hours of  c1.xlarge (demand) @ $0.680 = $ 4.760
    3 hours of   m1.small (demand) @ $0.085 = $ 0.255
   10 hours of   m1.small (spot) @ $0.059 = $ 0.595
Total cost $ 5.610
estimated total spending = $ 5.670
`)
      expect((await report("cs61c-zz", "--offline")).stdout).toBe(`Usage report for cs61c-zz:
Finished instances:
(none)
Total cost $ 0.000
estimated total spending = $ 0.000
`)
    },
  )

  test("a type without a price is shown as unpriced and fails nothing", async () => {
    putOldDatabase(course)
    const { stdout, code } = await report("cs61c-ae", "--offline")
    expect(stdout).toContain("    x9.huge (demand) @ unpriced = unpriced")
    expect(lineWith((await report("ALL")).stdout, "cs61c-ae")).toContain("1 unpriced")
    expect(code).toBe(0)
  })

  test("the same in seconds, and a stop without an end gives bounds", async () => {
    putOldDatabase(course)
    course.configure({ billing: { granularity: "second" } })
    const { stdout } = await report("cs61c-aa", "--offline")
    expect(stdout).toContain("    2 hours of   m1.small (demand) @ $0.085 = $ 0.204")
    const stopped = await report("cs61c-ac", "--offline")
    expect(stopped.stdout).toMatch(/estimated total spending = \$\d+\.\d\d–\$\d+\.\d\d/)
  })

  test("rows added after the schema was brought up to date count too", async () => {
    const path = putOldDatabase(course)
    await report("ALL")
    const db = new Database(path)
    db.run(
      "INSERT INTO instances VALUES ('i-late', 'm1.small', 2455501.5, 2455501.6, '2455501.6', 0, 'cs61c-zy')",
    )
    db.close()
    expect(lineWith((await report("ALL")).stdout, "cs61c-zy")).toContain("$ 0.255")
  })

  test.each(["hour", "second"])(
    "odd rows cost what is known of them, and fail nothing (by the %s)",
    async (granularity) => {
      course.configure({ billing: { granularity } })
      const path = join(course.dataDir, "usage.db")
      const db = new Database(path)
      db.run(`CREATE TABLE instances(instance_id TEXT PRIMARY KEY, instance_type TEXT, start_time REAL, end_time REAL NULL,
          last_seen TEXT, is_spot BOOLEAN, username TEXT);
        CREATE TABLE pending_spot_requests(
          request_id TEXT PRIMARY KEY, instance_type TEXT, request_time REAL, username TEXT);
        INSERT INTO instances VALUES
          ('i-a', NULL, 2455501.5, 2455501.6, NULL, 0, 'cs61c-zy'),
          ('i-b', 'm1.small', NULL, 2455501.6, NULL, 0, 'cs61c-zy'),
          ('i-c', 'm1.small', '2010-11-01 00:00:00', '2010-11-01 00:30:00', NULL, 0, 'cs61c-zx'),
          ('i-d', 'm1.small', 2455501.5, 2455501.51, NULL, 0, 'cs61c-zw'),
          ('i-e', 'm1.small', 2455501.5, 2455501.51, NULL, 0, 'cs61c-zw'),
          ('i-f', 'm1.small', NULL, 2455501.51, NULL, NULL, 'cs61c-zw'),
          ('i-g', 'm1.small', 2455501.5, 2455501.51, NULL, 0, 'of two' || char(10) || 'lines');
        INSERT INTO pending_spot_requests VALUES ('sir-1', NULL, NULL, 'cs61c-zy')`)
      db.close()
      chmodSync(path, 0o600)
      expect((await course.run("init_dbs")).code).toBe(0)
      const { stdout, code, stderr } = await report("ALL")
      expect(stderr).toBe("")
      expect(lineWith(stdout, "cs61c-zy")).toMatch(/ and [23] unpriced$/)
      const twice = granularity === "hour" ? 0.17 : 0.0408
      // By hours the row without a start has no hours in the old view, either.
      const note = granularity === "hour" ? " and 1 unpriced" : ""
      const line = lineWith(stdout, "cs61c-zw")
      expect(line.endsWith(note)).toBeTrue()
      expect(amount(line.replace(note, ""))).toBeCloseTo(twice, 2)
      expect(amount(lineWith(stdout, "of two\\nlines"))).toBeCloseTo(twice / 2, 2)
      expect(code).toBe(0)
      for (const login of ["cs61c-zy", "cs61c-zx", "cs61c-zw"]) {
        const one = await report(login, "--offline")
        expect([one.stderr, one.code]).toEqual(["", 0])
      }
      const zw = await report("cs61c-zw", "--offline")
      expect(amount(lineWith(zw.stdout, "estimated total"))).toBeCloseTo(twice, 2)
      const dated = await report("cs61c-zx", "--offline", "--by", "day")
      expect(dated.stdout).toContain("2010-11-01 ")
      const ranged = await report("cs61c-zx", "--offline", "--from", "2010-11-01", "--to", "2010-11-01")
      expect(ranged.stdout).toContain("1 hours of   m1.small")
      const other = await report("cs61c-zx", "--offline", "--from", "2010-11-02")
      expect(other.stdout).toContain("(none)")
    },
  )

  test("a price of nothing is one, and explained as one", async () => {
    course.configure({ prices: { on_demand: { "m1.small": 0 } } })
    putOldDatabase(course)
    const { stdout } = await report("--explain", "i-00000001")
    expect(stdout).toContain("price  $0/h at the start, by config")
  })

  test("usage without an owner is nobody's", async () => {
    putOldDatabase(
      course,
      "INSERT INTO instances VALUES ('i-n', 'm1.small', 2455501.5, 2455501.6, '1', 0, '')",
    )
    expect(lineWith((await report("ALL")).stdout, "(nobody)")).toContain("$ 0.255")
  })
})

describe("a login that is another person's in a new term", () => {
  const begun = (utcMs: string) => `('i-${utcMs}', 'm1.small', ${utcMs}, ${utcMs} + 0.1, '1', 0, 'cs61c-zy')`
  beforeEach(() => {
    putOldDatabase(course, `INSERT INTO instances VALUES ${begun("2455501.5")}, ${begun("2455601.5")}`)
    course.configure({ course: { term_start: "2011-01-01" } })
  })

  test("counts from the first where the new term has yet to begin", async () => {
    course.configure({ course: { term_start: new Date(Date.now() + 86_400_000).toISOString().slice(0, 10) } })
    expect(amount(lineWith((await report("ALL")).stdout, "cs61c-zy"))).toBe(0.51)
    const json = JSON.parse((await report("cs61c-zy", "--offline", "--json")).stdout)
    expect([json.from, json.total.highest_usd]).toEqual([null, 0.51])
  })

  test("starts clean, and the old term's figures stay", async () => {
    const total = async (...args: string[]) =>
      amount(lineWith((await report("cs61c-zy", "--offline", ...args)).stdout, "estimated total"))
    const ofAll = async (...args: string[]) =>
      amount(lineWith((await report("ALL", ...args)).stdout, "cs61c-zy"))
    const [from, to] = ["--from=2010-01-01", "--to=2010-12-31"]
    for (const of of [total, ofAll])
      expect([await of(), await of(from, to), await of(from)]).toEqual([0.255, 0.255, 0.51])
    const { stdout } = await report("cs61c-zy", "--offline")
    expect(stdout).toStartWith("Usage report for cs61c-zy:\n")
    const dated = await report("cs61c-zy", "--offline", "--from=2011-01-01")
    expect(dated.stdout).toBe(stdout.replace(":", " from 2011-01-01T00:00:00Z:"))
    expect((await report("cs61c-zy", "--offline", "--csv")).stdout).not.toContain("i-2455501.5")
  })

  test("still has its pending spot requests in the report", async () => {
    expect((await report("cs61c-aa", "--offline")).stdout).toContain("Pending spot requests:\n    1 hours of")
    expect(amount(lineWith((await report("ALL")).stdout, "cs61c-aa"))).toBe(0.059)
  })
})

describe("who may ask", () => {
  test("a student sees their own usage, and nobody else's; the config names the staff exactly", async () => {
    putOldDatabase(course)
    const as = (login: string, ...args: string[]) =>
      course.run("usage_report", [...args, "--offline"], { as: login })
    expect((await as("cs61c-aa")).stdout).toStartWith("Usage report for cs61c-aa:")
    for (const asked of ["cs61c-ab", "ALL"]) {
      const { code, stderr, stdout } = await as("cs61c-aa", asked)
      expect(stderr).toContain("cs61c-aa may see their own usage only")
      expect([stdout, code]).toEqual(["", 3])
    }
    expect((await as("cs61c-tb", "ALL")).code).toBe(3) // began with cs61c-t, which was enough
    expect((await as("cs61c-ta", "ALL")).code).toBe(0)
    expect((await as("cs61c-aa", "--explain", "i-00000004")).code).toBe(3)
  })

  test("a wrong name or date is a usage error in one line", async () => {
    putOldDatabase(course)
    for (const args of [
      ["../x"],
      ["--from", "2026-02-30"],
      ["--from", "2026-09-02", "--to", "2026-09-01"],
      ["--assignment", "hw1"],
      ["--json", "--csv"],
    ]) {
      const { code, stderr, stdout } = await report("--offline", ...args)
      expect([stdout, code]).toEqual(["", 2])
      expect(stderr.trim().split("\n").length).toBe(1)
    }
  })
})

describe("what cannot be meant", () => {
  test("two forms at once, or dates that would be passed over, are a usage error that names them", async () => {
    putOldDatabase(course)
    const cases: [args: string[], says: string][] = [
      [["--html", "x.html", "--by", "day"], "--html and --by"],
      [["--explain", "i-00000008", "--csv"], "--csv and --explain"],
      [["--explain", "i-00000008", "--html", "x.html"], "--html and --explain"],
      [["--explain", "i-00000008", "--from", "2010-11-01"], "leave --from out"],
      [["--reconcile", "-", "--html", "x.html"], "--html and --reconcile"],
      [["--reconcile", "-", "--to", "2010-11-01"], "leave --to out"],
      [["cs61c-aa", "--reconcile", "-"], "leave cs61c-aa out"],
      [["--html", ""], "wanted a file's name"],
      [["--from", "2010-11-31T10:00"], "wanted a UTC date"],
      [["--by", "assignment"], "no [assignments]"],
    ]
    for (const [args, says] of cases) {
      const { stdout, stderr, code } = await report(...args, "--offline")
      expect(stderr).toContain(says)
      expect([stdout, code, stderr.trim().split("\n").length]).toEqual(["", 2, 1])
    }
    expect(existsSync(join(course.home("cs61c"), "x.html"))).toBe(false)
  })

  test("somebody of whom nothing is recorded may be a name misspelt, and is said to be", async () => {
    putOldDatabase(course)
    const says = async (login: string) => (await report(login, "--offline")).stderr
    expect(await says("cs61c-aa")).toBe("")
    expect(await says("cs61c-qq")).toBe("usage_report: nothing is recorded of cs61c-qq\n")
    expect(await says("all")).toBe("usage_report: nothing is recorded of all, did you mean ALL?\n")
  })

  test("a file that cannot be written is named with the reason, not the temporary one", async () => {
    putOldDatabase(course)
    const cases: [path: string, says: string][] = [
      [course.directory, "that is a directory, wanted a file's name"],
      [join(course.directory, "no", "x.html"), `there is no directory ${join(course.directory, "no")}`],
    ]
    for (const [path, says] of cases) {
      const { stderr, code } = await report("ALL", "--html", path)
      expect([stderr, code]).toEqual([`usage_report: write ${path}: ${says}\n`, 1])
    }
  })
})

describe("forms of the report", () => {
  test("what has no price is counted in the days that it ran, and in no others", async () => {
    putOldDatabase(course)
    const all = async (from: string, to: string) => (await report("ALL", "--from", from, "--to", to)).stdout
    expect(await all("2010-11-07", "2010-11-08")).toContain("1 unpriced")
    expect(await all("2010-11-01", "2010-11-03")).not.toContain("unpriced")
    expect(await all("2099-01-01", "2099-01-02")).not.toContain("unpriced")
    const missing = "usage_report: 1 charge without a price, in none of these sums\n"
    for (const whose of ["ALL", "cs61c-ae"])
      expect((await report(whose, "--by", "week", "--offline")).stderr).toBe(missing)
    expect((await report("ALL", "--by", "day", "--to", "2010-11-03")).stderr).toBe("")
  })

  test("assignments count as far as they fall into the dates", async () => {
    putOldDatabase(course)
    course.configure({
      assignments: {
        hw1: { start: "2010-11-01", end: "2010-11-02" },
        hw2: { start: "2010-11-03", end: "2010-12-31" },
      } as never,
    })
    const by = async (...args: string[]) =>
      (await report("cs61c-ab", "--offline", "--by", "assignment", ...args)).stdout.split("\n").slice(1, -2)
    const [hw1, hw2] = await by()
    expect(await by("--assignment", "hw2")).toEqual([hw2 ?? ""])
    expect(await by("--to", "2010-11-02")).toEqual([hw1 ?? ""])
    const [cut] = await by("--from", "2010-11-05")
    expect(amount(cut ?? "")).toBeLessThan(amount(hw2 ?? ""))
  })

  test("a range clips, by day and by assignment", async () => {
    putOldDatabase(course)
    course.configure({
      billing: { granularity: "second" },
      assignments: {
        hw1: { start: "2010-11-01", end: "2010-12-31" },
        hw2: { start: "2011-01-01", end: "2011-02-01" },
      } as never,
    })
    const half = await report(
      "cs61c-ab",
      "--offline",
      "--from",
      "2010-11-04T12:00",
      "--to",
      "2010-11-05T12:00",
    )
    expect(half.stdout).toContain("   24 hours of   t1.micro (demand) @ $0.017 = $ 0.408")
    const byDay = await report("cs61c-aa", "--offline", "--by", "day")
    expect(byDay.stdout).toMatch(/^2010-11-01 +\$ 0.204$/m)
    const byAssignment = await report("cs61c-aa", "--offline", "--by", "assignment")
    expect(byAssignment.stdout).toMatch(/^hw1 +\$ [\d.]+\nhw2 +\$ 0.000$/m)
  })

  test("JSON has the bounds, CSV and FOCUS every charge", async () => {
    putOldDatabase(course)
    const json = JSON.parse((await report("cs61c-ab", "--offline", "--json")).stdout)
    expect(json).toMatchObject({ user: "cs61c-ab", total: { unpriced: 0 } })
    const all = JSON.parse((await report("ALL", "--json")).stdout)
    expect(all.users.map(({ user }: { user: string }) => user)).toContain("cs61c-ac")
    const csv = (await report("ALL", "--csv")).stdout.trim().split("\n")
    expect(csv.length).toBe(11)
    const focus = (await report("cs61c-aa", "--offline", "--focus")).stdout.trim().split("\n")
    for (const column of [
      "BilledCost",
      "EffectiveCost",
      "ListCost",
      "ContractedCost",
      "ChargePeriodStart",
      "ResourceId",
      "Tags",
    ]) {
      expect(focus[0]?.split(",")).toContain(column)
    }
    expect(focus.length).toBe(4)
  })

  test("--html is one page without anything from outside, --prometheus metrics, both whole or not at all", async () => {
    putOldDatabase(course)
    const page = join(course.directory, "page.html")
    expect(await report("ALL", "--html", page)).toMatchObject({ code: 0, stdout: "" })
    const html = readFileSync(page, "utf8")
    expect(html).toContain("<svg")
    expect(html).not.toMatch(/(src|href)="(?!#|data:,)/)
    const metrics = join(course.directory, "ec2.prom")
    expect(await report("--prometheus", metrics)).toMatchObject({ code: 0, stdout: "" })
    expect(readFileSync(metrics, "utf8")).toMatch(
      /^ec2_wrappers_spent_highest_dollars\{user="cs61c-aa"\} 5.6695$/m,
    )
    expect(statSync(metrics).mode & 0o777).toBe(0o644)
    const nowhere = join(course.directory, "missing", "x.html")
    expect(await report("ALL", "--html", nowhere)).toMatchObject({ code: 1 })
    expect(existsSync(nowhere)).toBe(false)
  })

  test("--reconcile explains what AWS's bill has otherwise", async () => {
    putOldDatabase(course)
    const bill = [
      "lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/ResourceId,lineItem/UsageType,lineItem/UnblendedCost,resourceTags/user:ec2-wrappers:owner",
      "2010-11-01T00:00:00Z,2010-11-02T00:00:00Z,AmazonEC2,i-00000001,BoxUsage:m1.small,0.255,cs61c-aa",
      "2010-12-01T00:00:00Z,2010-12-20T00:00:00Z,AmazonEC2,i-0000ffff,BoxUsage:m1.small,1.5,cs61c-ab",
      '2010-12-01T00:00:00Z,2010-12-20T00:00:00Z,AmazonEC2,i-0000fffe,BoxUsage:m1.small,1.5,"of two\nlines"',
      "2010-12-01T00:00:00Z,2010-12-20T00:00:00Z,AmazonS3,bucket,TimedStorage,2.25,",
    ].join("\n")
    const { stdout, code } = await course.run("usage_report", ["--reconcile", "-", "--offline"], {
      stdin: bill,
    })
    expect(lineWith(stdout, "cs61c-ab")).toContain("$1.50 not launched through us")
    expect(lineWith(stdout, "(nobody)")).toContain("$2.25 of other services and transfer")
    expect(lineWith(stdout, "of two\\nlines")).toContain("$1.50 not launched through us")
    expect(code).toBe(0)
    const path = join(course.directory, "bill.csv")
    writeFileSync(path, "a,b\n1,2\n")
    expect(await report("--reconcile", path)).toMatchObject({ code: 1, stdout: "" })
  })

  test("when EC2 cannot be reached the database answers, with a warning", async () => {
    putOldDatabase(course)
    const { stdout, stderr, code } = await report("cs61c-aa")
    expect(stderr).toContain("usage_report: from the database alone: ")
    expect(stdout).toContain("estimated total spending = $ 5.670")
    expect(code).toBe(0)
  })
})

describe("a database that is not as it should be", () => {
  test("one from the future, a corrupt one, none at all: one line that says what to do", async () => {
    const path = putOldDatabase(course)
    await report("ALL")
    const db = new Database(path)
    db.run("INSERT INTO schema_migrations VALUES ('2031: more', '2031-01-01T00:00:00Z')")
    db.close()
    const cases: [arrange: () => void, says: string][] = [
      [() => {}, "newer version"],
      [() => writeFileSync(path, "garbage".repeat(1000), { mode: 0o600 }), "damaged or no database"],
    ]
    for (const [arrange, says] of cases) {
      arrange()
      const { stdout, stderr, code } = await report("ALL")
      expect(stderr).toContain(says)
      expect([stdout, code, stderr.trim().split("\n").length]).toEqual(["", 1, 1])
    }
  })
})

test("what takes a while on a large old database init_dbs says and does, once", async () => {
  const path = putUntouchedOldDatabase(course)
  const db = new Database(path)
  db.run(`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 400000)
    INSERT INTO instances SELECT printf('i-large%09d-of-another-course', n), 'm1.small', 2455501.5 + n % 100, 2455501.6 + n % 100,
      printf('%.9f', 2455501.6 + n % 100), 0, 'cs61c-l' || char(97 + n % 26) FROM numbers`)
  db.close()
  const refused = await report("ALL")
  expect(refused.stderr).toMatch(
    /^usage_report: open [^\n]+usage\.db: lacks the step [^\n]+; run init_dbs[^\n]+\n$/,
  )
  const first = await course.run("init_dbs")
  expect(first.stderr).toMatch(/^init_dbs: bringing [^\n]+usage\.db up to date \(\d+ MiB\), this once\n$/)
  const [copied = "", added = "", ...more] = first.stdout.trimEnd().split("\n").slice(-2)
  const [, copy = ""] = /^copied both databases to (\S+before-upgrade-\d{8}T\d{6}Z);/.exec(copied) ?? []
  expect(added).toMatch(/^added to [^\n]+usage\.db: 2010: instances, spot requests, views, /)
  expect(more).toEqual([])
  expect(schemaNames(join(copy, "usage.db"))).not.toContain("schema_migrations")
  expect((await course.run("init_dbs")).stdout).toBe("nothing to do\n")
  expect((await report("ALL")).stderr).toBe("")
})

function schemaNames(path: string): string[] {
  const db = new Database(path, { readonly: true })
  const names = db.query<{ name: string }, []>("SELECT name FROM sqlite_master").all()
  db.close()
  return names.map(({ name }) => name)
}
