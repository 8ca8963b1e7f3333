/** The page: where there is little to show, whose it is, and what it says of budgets, freezes and estimates. */
import { describe, expect, test } from "bun:test"
import { parse } from "parse5"
import { microUsdOf } from "../../../lib/base/money.ts"
import { loginOf, pageBegin, pageNow, pageWith } from "../../support/page_world.ts"

/** What a figure that is none leaves in the text. */
function wrongWords(page: string): string[] {
  const main = page.slice(page.indexOf("<main>"), page.indexOf("</main>"))
  return main.match(/\b(NaN|Infinity|undefined|null)\b/g) ?? []
}

describe.each([0, 1, 2, 60])("the page of a course with %d users", (users) => {
  const page = pageWith(users, { courseBudget: 10_000 })

  test("is well formed, has three figures on top, and no number that is none", () => {
    expect(wrongWords(page)).toEqual([])
    expect(page.match(/<dt>/g)).toHaveLength(3)
    const errors: string[] = []
    parse(page, { onParseError: ({ code }) => errors.push(code), sourceCodeLocationInfo: true })
    expect(errors).toEqual([])
  })

  test("has a bar for each of the first twenty and a table row for all", () => {
    expect((page.match(/<li[ >]/g) ?? []).length).toBe(Math.min(users, 20))
    for (let user = 0; user < users; user++)
      expect(page).toContain(`<th scope="row" data-v="${loginOf(user)}">`)
  })
})

test("an empty course's page says what to do, and has no chart that shows nothing", () => {
  const page = pageWith(0)
  expect(page).toContain("Nothing has been spent yet. <code>ec2-util --init</code>")
  expect(page).toContain("set <code>limits.course_budget</code>")
  expect(page).not.toContain("<svg")
  expect(page).not.toContain("<details")
})

test("marks who has used 80 % and who all, counts them, and says how long the course's budget lasts", () => {
  const page = pageWith(60, { courseBudget: 10_000 })
  expect(page.match(/<li class="over"/g)).toHaveLength(12)
  expect(page.match(/<li class="near"/g)).toHaveLength(8)
  expect(page).toContain("9 from 80% of the budget on, 12 with nothing left")
  expect(page).toMatch(
    /About \$\d+\.\d\d a day over the last 7 days\. At this pace the budget lasts until 20\d\d-/,
  )
  expect(page).toContain("All 60 users in a table that can be sorted")
  expect(page).toContain("Where an amount is a range, the true amount lies in it")
})

test("says who is frozen or suspended, and a student's page only the student's own suspension", () => {
  const prepare = (db: Parameters<NonNullable<Parameters<typeof pageWith>[1]>["prepare"] & object>[0]) => {
    const common = { reason: "<b>mining</b>", suspendedBy: "cs61c", suspendedAtUtcMs: pageBegin }
    db.freezes.begin({ frozenBy: "cs61c", reason: "keys on GitHub", frozenAtUtcMs: pageBegin })
    for (const login of [loginOf(0), loginOf(1)]) db.suspensions.begin({ login, ...common })
  }
  const course = pageWith(2, { prepare })
  expect(course).toContain("Nobody may launch: frozen since 2026-09-01T00:00:00Z by cs61c: keys on GitHub")
  expect(course).toContain(`${loginOf(1)} is suspended since 2026-09-01T00:00:00Z by cs61c: &lt;b&gt;mining`)
  const own = pageWith(2, { login: loginOf(0), prepare })
  expect(own).toContain(`${loginOf(0)} is suspended`)
  expect(own).not.toContain(loginOf(1))
})

test("a student's page shows the own instances with their ends, what is left, and nobody else", () => {
  const page = pageWith(60, { login: loginOf(7) })
  expect(page).toContain("in 2 h 00 min (2026-10-01 13:00 UTC)")
  expect(page).toContain("<dt>Left</dt>")
  expect(page).toContain("ec2-active --extend ID 2h")
  for (let user = 0; user < 60; user++) expect(page.includes(loginOf(user))).toBe(user === 7)
  const idle = pageWith(2, { login: "cs61c-zz" })
  expect(idle).toContain("Nothing runs. <code>ec2-run</code> launches an instance")
  expect(wrongWords(idle)).toEqual([])
  expect(/<svg|<table /.test(idle)).toBe(false)
})

test("who has volumes at no published price is marked, and the mark is explained", () => {
  const volume = (login: string, region: string) => ({
    ...{ flatRateId: `vol-${login}`, kind: "volume" as const, login, region, description: "gp3 8 GiB" },
    ...{ microUsdPerHour: microUsdOf(1000), startEarliestUtcMs: pageBegin, startLatestUtcMs: pageBegin },
    ...{ seenUtcMs: pageNow, endEarliestUtcMs: null, endLatestUtcMs: null, goesWithInstance: "" },
  })
  const note = "In part an estimate"
  const page = pageWith(2, { prepare: (db) => db.ledger.flatRates.put(volume(loginOf(1), "eu-north-1")) })
  expect(page).toContain("(in part an estimate)")
  expect(page).toContain(note)
  expect(pageWith(2)).not.toContain(note)
  expect(
    pageWith(2, {
      login: loginOf(1),
      prepare: (db) => db.ledger.flatRates.put(volume(loginOf(1), "us-east-1")),
    }),
  ).toContain("Volumes, snapshots and addresses that outlive instances")
})

test("what is no more than text stays text, however long", () => {
  const evil = ['<img src=x onerror="alert(1)">', "</title><script>alert(1)</script>", "a".repeat(4000)]
  const page = pageWith(1, {
    prepare: (db) => {
      for (const login of evil)
        db.ledger.flatRates.put({
          ...{
            flatRateId: `vol-${login.length}`,
            kind: "volume",
            login,
            region: "us-east-1",
            description: "gp3",
          },
          ...{
            microUsdPerHour: microUsdOf(1000),
            startEarliestUtcMs: pageBegin,
            startLatestUtcMs: pageBegin,
          },
          ...{ seenUtcMs: pageNow, endEarliestUtcMs: null, endLatestUtcMs: null, goesWithInstance: "" },
        })
    },
  })
  const errors: string[] = []
  parse(page, { onParseError: ({ code }) => errors.push(code) })
  expect(errors).toEqual([])
  expect(page).not.toContain("<img")
  expect(page.match(/<script/g)).toHaveLength(1)
  expect(page).toContain("&lt;img src=x")
})
