import { expect, test } from "bun:test"
import fc from "fast-check"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerDay, msPerHour, msPerMinute, toJulianDay, utcMsOf } from "../../../lib/base/time.ts"
import { sumOf } from "../../../lib/decisions/reports/text_form.ts"
import { exactly } from "../../../lib/decisions/usage/runs.ts"
import { charges } from "../../../lib/operations/reports/charges.ts"
import { daySumsOf } from "../../../lib/operations/reports/days.ts"
import { type Total, totals } from "../../../lib/operations/reports/totals.ts"
import { handAt } from "../../support/databases.ts"
import { newLedger, plainRules } from "../../support/ledger.ts"

const begin = utcMsOf(Date.UTC(2026, 8, 1))
const nowUtcMs = begin + 12 * msPerDay
const minute = fc.integer({ min: 0, max: 10 * 24 * 60 })
const run = fc.record({
  login: fc.constantFrom("", "cs61c-ab", "cs61c-ac"),
  type: fc.constantFrom("m1.small", "m1.small", "m1.small", "unheard.of"),
  start: minute,
  minutes: fc.integer({ min: 0, max: 3000 }),
  unsure: fc.integer({ min: 0, max: 90 }),
  isOpen: fc.boolean(),
  isOld: fc.boolean(),
})

test.each(["second", "hour"] as const)(
  "totals and days of any stretch of time are what its charges sum up to, by the %s",
  (granularity) => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 12 }), minute, minute, (runs, one, other) => {
        const db = newLedger()
        const hand = handAt(db.path)
        const tariff = db.prices.tariff({ ...plainRules, billing: { granularity, minimumMs: 60_000 } })
        db.transaction(() => {
          runs.forEach(({ login, type, start, minutes, unsure, isOpen, isOld }, index) => {
            const startUtcMs = begin + start * msPerMinute
            const endUtcMs = startUtcMs + minutes * msPerMinute
            if (isOld) return
            db.ledger.addRun(null, {
              ...{ instanceId: `i-${index}`, login, instanceType: type, market: "on-demand" },
              ...{
                region: "us-east-1",
                zone: "us-east-1a",
                usageOperation: "RunInstances",
                publicIpv4: true,
              },
              start: exactly(utcMsOf(startUtcMs), "observed"),
              end: isOpen
                ? null
                : {
                    earliestUtcMs: utcMsOf(endUtcMs),
                    latestUtcMs: utcMsOf(endUtcMs + unsure * msPerMinute),
                    evidence: "observed",
                  },
              ...{ seenUtcMs: utcMsOf(startUtcMs), endedByEc2: false },
            })
          })
        })
        for (const [index, { login, type, start, minutes, isOpen, isOld }] of runs.entries()) {
          const startUtcMs = begin + start * msPerMinute
          const end = isOpen ? null : toJulianDay(utcMsOf(startUtcMs + minutes * msPerMinute))
          if (isOld)
            hand
              .query("INSERT INTO instances VALUES (?, ?, ?, ?, '', 0, ?)")
              .run(`i-${index}`, type, toJulianDay(utcMsOf(startUtcMs)), end, login)
        }
        const range = {
          fromUtcMs: utcMsOf(begin + Math.min(one, other) * msPerMinute),
          toUtcMs: utcMsOf(begin + Math.max(one, other) * msPerMinute + msPerHour),
        }
        const expected = new Map<string, Total>()
        for (const { login, cost } of charges(db, tariff, {
          login: null,
          range,
          nowUtcMs: utcMsOf(nowUtcMs),
        })) {
          const before = expected.get(login) ?? { lowest: microUsdOf(0), highest: microUsdOf(0), unpriced: 0 }
          expected.set(login, {
            lowest: microUsdOf(before.lowest + (cost?.lowest ?? 0)),
            highest: microUsdOf(before.highest + (cost?.highest ?? 0)),
            unpriced: before.unpriced + (cost ? 0 : 1),
          })
        }
        const spent = (found: Map<string, Total>) =>
          [...found].filter(([, { highest, unpriced }]) => highest > 0 || unpriced > 0).sort()
        expect(spent(totals(db, tariff, range, utcMsOf(nowUtcMs)))).toEqual(spent(expected))
        const { lowest, highest } = sumOf([...expected.values()])
        expect(
          sumOf([...daySumsOf(db, tariff, { login: null, range, nowUtcMs: utcMsOf(nowUtcMs) }).values()]),
        ).toEqual({
          lowest,
          highest,
        })
        hand.close()
        db.close()
      }),
      { numRuns: 60 },
    )
  },
)
