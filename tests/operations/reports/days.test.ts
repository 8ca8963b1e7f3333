import { expect, test } from "bun:test"
import fc from "fast-check"
import { microUsdOf } from "../../../lib/base/money.ts"
import { msPerDay, msPerMinute, toJulianDay, utcMsOf } from "../../../lib/base/time.ts"
import { always } from "../../../lib/decisions/pricing/costs.ts"
import { dayOf } from "../../../lib/decisions/pricing/days.ts"
import { charges } from "../../../lib/operations/reports/charges.ts"
import { daySumsOf } from "../../../lib/operations/reports/days.ts"
import { handAt } from "../../support/databases.ts"
import { newLedger, plainRules } from "../../support/ledger.ts"

const begin = utcMsOf(Date.UTC(2010, 10, 1))
const minute = fc.integer({ min: 0, max: 60 * 24 * 60 })
const row = fc.record({
  type: fc.constantFrom("m1.small", "m1.large", "unheard.of"),
  isSpot: fc.boolean(),
  start: minute,
  seenAfter: fc.integer({ min: 0, max: 30 * 24 * 60 }),
})

test.each(["second", "hour"] as const)(
  "each day of a row that runs for ever costs what its charges of that day do, by the %s",
  (granularity) => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 4 }),
        fc.array(minute, { maxLength: 4 }),
        minute,
        (rows, changes, more) => {
          const nowUtcMs = begin + 90 * msPerDay + more * msPerMinute
          const db = newLedger()
          const hand = handAt(db.path)
          rows.forEach(({ type, isSpot, start, seenAfter }, index) => {
            const startUtcMs = begin + start * msPerMinute
            hand
              .query("INSERT INTO instances VALUES (?, ?, ?, NULL, ?, ?, 'cs61c-ab')")
              .run(
                ...[`i-${index}`, type, toJulianDay(utcMsOf(startUtcMs))],
                ...[toJulianDay(utcMsOf(startUtcMs + seenAfter * msPerMinute)), isSpot ? 1 : 0],
              )
          })
          hand.close()
          db.transaction(() => {
            for (const [index, at] of [...changes].sort((one, other) => one - other).entries()) {
              const price = {
                instanceType: "m1.large",
                usageOperation: "RunInstances",
                microUsdPerHour: microUsdOf(1001 + index),
              }
              db.prices.keepList("us-east-1", [price], utcMsOf(begin + at * msPerMinute))
            }
          })
          const tariff = db.prices.tariff({ ...plainRules, billing: { granularity, minimumMs: 60_000 } })
          const found = daySumsOf(db, tariff, {
            login: "cs61c-ab",
            range: always,
            nowUtcMs: utcMsOf(nowUtcMs),
          })
          for (let day = dayOf(begin); day <= dayOf(utcMsOf(nowUtcMs)); day++) {
            const range = { fromUtcMs: utcMsOf(day * msPerDay), toUtcMs: utcMsOf((day + 1) * msPerDay) }
            const expected = { lowest: microUsdOf(0), highest: microUsdOf(0), instanceMs: 0 }
            for (const { cost, ms } of charges(db, tariff, {
              login: "cs61c-ab",
              range,
              nowUtcMs: utcMsOf(nowUtcMs),
            })) {
              expected.lowest = microUsdOf(expected.lowest + (cost?.lowest ?? 0))
              expected.highest = microUsdOf(expected.highest + (cost?.highest ?? 0))
              expected.instanceMs += ms
            }
            expect(
              found.get(day) ?? { lowest: microUsdOf(0), highest: microUsdOf(0), instanceMs: 0 },
            ).toEqual(expected)
          }
          db.close()
        },
      ),
      { numRuns: 20 },
    )
  },
)
