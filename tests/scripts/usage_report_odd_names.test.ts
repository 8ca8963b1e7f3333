/** Names that nobody's login has, in a database of the old tools. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { putOldDatabase } from "../support/old_database.ts"
import { type Workspace, workspace } from "../support/tools.ts"

let course: Workspace
beforeEach(() => {
  course = workspace({
    endpoint: "http://127.0.0.1:9", // nothing listens there
    config: { prices: { on_demand: { "m1.small": 0.085 } } },
  })
})
afterEach(() => course.remove())

const report = async (...args: string[]) => {
  const { stdout, stderr, code } = await course.run("usage_report", args)
  expect([stderr.includes("unexpected"), code]).toEqual([false, 0])
  return stdout
}
const totalOf = (text: string, login: string) =>
  text.split("\n").find((line) => line.startsWith(`${login.padEnd(20)} `))

/** Rows of an hour each, or that have not ended. */
const rows = (...named: [id: string, name: string, end?: "NULL"][]) =>
  named
    .map(
      ([id, name, end = "2455501.5 + 1 / 24.0"]) =>
        `INSERT INTO instances VALUES ('${id}', 'm1.small', 2455501.5, ${end}, 2455501.5, 0, ${name});`,
    )
    .join("")

describe.each(["hour", "second"] as const)("by the %s", (granularity) => {
  beforeEach(() => course.configure({ billing: { granularity } }))

  test("a name of bytes is the same as its text, in every form of a report", async () => {
    putOldDatabase(
      course,
      `${rows(["i-t", "'cs61c-zz'"], ["i-b", "CAST('cs61c-zz' AS BLOB)"])}
       INSERT INTO pending_spot_requests VALUES ('sir-b', 'm1.small', 2455501.5, CAST('cs61c-zz' AS BLOB))`,
    )
    // Two runs, and the request at the spot factor.
    const total = totalOf(await report("ALL"), "cs61c-zz")
    const usd = Number(total?.split("$")[1])
    expect(usd).toBeGreaterThan(0.229)
    expect(await report("cs61c-zz", "--offline")).toContain(`estimated total spending = $ ${usd}`)
    for (const form of [["--json"], ["--csv"], ["--focus"], ["--html", "-"], ["--prometheus", "-"]])
      expect(await report("ALL", ...form)).toContain("cs61c-zz")
    expect(await report("--explain", "i-b")).toContain("i-b of cs61c-zz:")
  })

  test("no row is lost whose name is no text at all", async () => {
    putOldDatabase(course, rows(["i-x", "CAST(x'63ff' AS TEXT)"], ["i-y", "x'63ff'"], ["i-z", "x''"]))
    const all = await report("ALL")
    expect(totalOf(all, "c\uFFFD")).toContain("$ 0.170")
    expect(totalOf(all, "(nobody)")).toContain("$ 0.085")
  })

  test("staff may ask for any name that is recorded, and for no other that is no login", async () => {
    putOldDatabase(course, rows(["i-s", "'my key'"], ["i-r", "'My.Key'", "NULL"]))
    expect(await report("my key", "--offline")).toContain("Usage report for my key:")
    expect(await report("My.Key", "--offline")).toContain("Running instances:")
    const { stderr, code } = await course.run("usage_report", ["my  key"])
    expect([stderr, code]).toEqual([
      `usage_report: report: "my  key" is no login, wanted a login or ALL\n`,
      2,
    ])
  })
})
