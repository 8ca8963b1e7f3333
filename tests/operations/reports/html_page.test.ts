/** The page with charts where there is little to show, or something that wants to be more than text. */

import { expect, test } from "bun:test"
import { parse } from "parse5"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerDay, msPerHour, utcMsOf } from "../../../lib/base/time.ts"
import { always } from "../../../lib/decisions/pricing/costs.ts"
import { exactly } from "../../../lib/decisions/usage/runs.ts"
import { loadConfig } from "../../../lib/host/config/config.ts"
import { htmlPage } from "../../../lib/operations/reports/html_page.ts"
import { newLedger, plainRules } from "../../support/ledger.ts"
import { workspace } from "../../support/tools.ts"

const begin = utcMsOf(Date.UTC(2026, 8, 1))

function pageOf(logins: string[], volumesIn: Record<string, string> = {}): string {
  const course = workspace()
  const db = newLedger()
  db.transaction(() => {
    for (const [index, login] of logins.entries()) {
      db.ledger.addRun(null, {
        ...{ instanceId: `i-${index}`, login, instanceType: "m1.small", market: "on-demand" },
        ...{ region: "us-east-1", zone: "", usageOperation: "RunInstances", publicIpv4: false },
        ...{ start: exactly(begin, "observed"), end: exactly(utcMsOf(begin + msPerHour), "reason") },
        ...{ seenUtcMs: begin, endedByEc2: false },
      })
    }
    for (const [login, region] of Object.entries(volumesIn)) {
      db.ledger.flatRates.put({
        ...{ flatRateId: `vol-${login}`, kind: "volume", login, region, description: "gp3 8 GiB" },
        ...{
          microUsdPerHour: microUsdOf(1000),
          startEarliestUtcMs: begin,
          startLatestUtcMs: begin,
          seenUtcMs: begin,
        },
        ...{ endEarliestUtcMs: null, endLatestUtcMs: null, goesWithInstance: "" },
      })
    }
  })
  const scope = { login: null, range: always, nowUtcMs: utcMsOf(begin + msPerDay) }
  const page = htmlPage(db, db.prices.tariff(plainRules), loadConfig(course.configPath), scope)
  db.close()
  course.remove()
  return page
}

test("nothing at all makes a page that says so", () => {
  const page = pageOf([])
  expect(page).toContain("Nothing to show.")
  expect(page).not.toMatch(/NaN|Infinity|undefined/)
})

test("one day of one user makes a page without gaps in its figures", () => {
  const page = pageOf(["cs61c-ab"])
  expect(page).toContain("2026-09-01")
  expect(page).not.toMatch(/NaN|Infinity|undefined/)
})

test("who has volumes at no published price is marked, and the mark is explained", () => {
  const page = pageOf(["cs61c-ab", "cs61c-ac"], { "cs61c-ab": "us-east-1", "cs61c-ac": "eu-north-1" })
  const rows = page.match(/<tr><th scope="row">cs61c-.+/g) ?? []
  expect(rows.filter((row) => row.includes("(in part an estimate)"))).toEqual([
    expect.stringContaining("cs61c-ac"),
  ])
  expect(page).toContain("whose list prices usage_cron --refresh-prices has not read")
  expect(pageOf(["cs61c-ab"], { "cs61c-ab": "us-east-1" })).not.toContain("estimate")
})

test("what is no more than text stays text, however long", () => {
  const evil = ['<img src=x onerror="alert(1)">', "</title><script>alert(1)</script>", "a".repeat(4000)]
  const page = pageOf(evil)
  const errors: string[] = []
  parse(page, { onParseError: ({ code }) => errors.push(code) })
  expect(errors).toEqual([])
  expect(page).not.toMatch(/<img|<script/)
  expect(page).toContain("&lt;img src=x")
})
