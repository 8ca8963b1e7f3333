/** Spending by the roster's sections: everybody once. */
import { expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { later, msPerHour, utcMsOf } from "../../../lib/base/time.ts"
import { always } from "../../../lib/decisions/pricing/costs.ts"
import { exactly } from "../../../lib/decisions/usage/runs.ts"
import { sectionsSpent } from "../../../lib/operations/reports/sections_spent.ts"
import { newLedger, plainRules } from "../../support/ledger.ts"

const begin = utcMsOf(Date.UTC(2026, 8, 1))

test("sums up each section, several together, and those without one or not on the roster apart", () => {
  const db = newLedger()
  const tariff = db.prices.tariff(plainRules)
  const scope = { login: null, range: always, nowUtcMs: later(begin, 48 * msPerHour) }
  expect(() => sectionsSpent(db, tariff, scope)).toThrow("no roster has been imported")
  const entry = (login: string, ...sections: string[]) => ({
    login,
    person: "",
    sections,
    email: "",
    fullName: "",
  })
  db.transaction(() => {
    db.roster.put([entry("aa", "101"), entry("ab", "101"), entry("ac", "lab 3", "101"), entry("ad")], {
      source: "class.csv",
      importedBy: "cs61c",
      importedAtUtcMs: begin,
    })
    for (const login of ["aa", "ab", "ac", "ad", "zz", ""])
      db.ledger.addRun(null, {
        ...{ instanceId: `i-${login}`, login, instanceType: "m1.small", market: "on-demand" },
        ...{ region: "us-east-1", zone: "", usageOperation: "RunInstances", publicIpv4: false },
        ...{ start: exactly(begin, "observed"), end: exactly(later(begin, 10 * msPerHour), "reason") },
        ...{ seenUtcMs: begin, endedByEc2: false },
      })
  })
  const each = microUsd(0.85)
  expect(sectionsSpent(db, tariff, scope)).toEqual(
    [
      ["(no section)", 1],
      ["(nobody)", 1],
      ["(not on the roster)", 1],
      ["101", 2],
      ["101 + lab 3", 1],
    ].map(([name, count]) => ({
      name: String(name),
      lowest: Number(count) * each,
      highest: Number(count) * each,
    })) as never,
  )
  db.close()
})
