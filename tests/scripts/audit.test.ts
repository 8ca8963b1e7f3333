/** audit: what somebody who has the account did to its own log is found, on either engine. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type CourseDay, courseDay, student } from "../support/course_day.ts"
import { handAt } from "../support/databases.ts"
import { startEmulator } from "../support/emulator.ts"

const emulator = await startEmulator()
let day: CourseDay
beforeEach(async () => {
  day = await courseDay(emulator)
})
afterEach(() => day.close())
afterAll(() => emulator.stop())

const audit = (...args: string[]) => day.run("audit", args, { as: "cs61c" })
const byHand = (sql: string) => {
  const hand = handAt(join(day.course.dataDir, "usage.db"))
  hand.run(sql)
  hand.close()
}
const rowsOf = () => {
  const hand = handAt(join(day.course.dataDir, "usage.db"))
  const rows = hand
    .query<{ no: number; message: string }, []>(
      "SELECT row_no AS no, login || ': ' || message AS message FROM audit_rows ORDER BY row_no",
    )
    .all()
  hand.close()
  return rows
}

describe("audit verify", () => {
  test("finds all that the tools recorded, each line with its row", async () => {
    const [id] = await day.launch()
    const lines = readFileSync(join(day.course.dataDir, "audit-log"), "utf8").trimEnd().split("\n")
    expect(rowsOf().map(({ message }) => message)).toEqual(
      lines.map((line) => line.slice(line.indexOf(": ") + 2)),
    )
    expect(
      rowsOf()
        .map(({ message }) => message)
        .join("\n"),
    ).toMatch(new RegExp(`^${student}: launched \\S+: ${id} \\(request `, "m"))
    const { stdout, stderr, code } = await audit("verify")
    expect(stderr).toBe("")
    expect(stdout).toBe(
      `${lines.length} rows up to row ${lines.length}: each fits\n` +
        "rows cut off at the end are not found: [audit] names no bucket\n",
    )
    expect(code).toBe(0)
  })

  test("names the first row that was changed, or is missing", async () => {
    for (let launches = 0; launches < 2; launches++) await day.launch()
    byHand("UPDATE audit_rows SET login = 'cs61c-zz' WHERE row_no = 2")
    const changed = await audit("verify")
    expect(changed.stdout).toStartWith("row 2 does not fit: it was changed, or the row before it was\n")
    expect(changed.code).toBe(1)
    byHand("DELETE FROM audit_rows WHERE row_no IN (1, 2)")
    expect((await audit("verify")).stdout).toStartWith("rows 1 to 2 are missing\n")
    expect(JSON.parse((await audit("verify", "--json")).stdout)).toMatchObject({
      sound: false,
      log: { findings: [{ rowNo: 1, text: "rows 1 to 2 are missing" }] },
    })
  })

  test("names a line of this host's file that has no row", async () => {
    await day.launch()
    appendFileSync(
      join(day.course.dataDir, "audit-log"),
      "2026-11-22T12:00:00.000000: cs61c: nothing to see here\n",
    )
    const { stdout, code } = await audit("verify")
    expect(stdout).toContain(
      "this host's file has 1 line without a row, the first: 2026-11-22T12:00:00.000000: cs61c:",
    )
    expect(code).toBe(1)
  })

  test("is for the staff alone, and takes its options only where they mean something", async () => {
    expect((await day.run("audit", ["verify"], { as: student })).code).toBe(3)
    for (const args of [["verfy"], ["verify", "--since", "2026-09-01"], ["verify", "--to", "x"], ["prune"]])
      expect([args, (await audit(...args)).code]).toEqual([args, 2])
    const april = await audit("verify", "--cloudtrail", "--since", "2026-04-31")
    expect(april.stderr).toBe('audit: options: --since is "2026-04-31", wanted a day such as 2026-09-01\n')
  })
})

describe("audit prune", () => {
  test("writes the old rows to a file and leaves a checkpoint, which fits", async () => {
    await day.launch()
    const before = rowsOf()
    const file = join(day.course.directory, "old-rows")
    const none = await audit("prune", "--before", "2020-01-01", "--to", file)
    expect([none.stdout, existsSync(file)]).toEqual(["removed 0 rows, up to row 0\n", false])
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
    const pruned = await audit("prune", "--before", tomorrow, "--to", file)
    expect(pruned.stderr).toBe("")
    expect(pruned.stdout).toBe(`removed ${before.length} rows, up to row ${before.length}\n`)
    const written = readFileSync(file, "utf8").trimEnd().split("\n")
    expect(written.map((line) => JSON.parse(line).row)).toEqual(before.map(({ no }) => no))
    expect(rowsOf()).toEqual([
      {
        no: before.length + 1,
        message: expect.stringContaining(`cs61c: audit: pruned the rows up to ${before.length}`),
      },
    ])
    await day.launch()
    expect((await audit("verify")).code).toBe(0)
    byHand(`DELETE FROM audit_rows WHERE row_no = ${before.length + 1}`)
    expect((await audit("verify")).stdout).toContain("no row says that they were pruned")
  })

  test("hides nothing: a row that does not fit keeps all of them", async () => {
    await day.launch()
    byHand("UPDATE audit_rows SET message = 'x' WHERE row_no = 1")
    const file = join(day.course.directory, "old-rows")
    const refused = await audit("prune", "--before", "2100-01-01", "--to", file)
    expect(refused.stderr).toContain("row 1 does not fit")
    expect([refused.code, existsSync(file)]).toEqual([3, false])
  })
})
