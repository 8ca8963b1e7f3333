/** A small term; `npm run soak` simulates the whole one. */
import { afterAll, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { startEmulator } from "../../support/emulator.ts"
import { maxima, simulateTerm } from "../../support/term.ts"

const emulator = await startEmulator()
afterAll(() => emulator.stop())

const small = { students: 3, days: 3, budget: 2, maxHourlyCost: 0.6, seed: 61, stepHours: 4 }

test("with the scheduler's switch nobody spends more than their budget, whatever becomes of cron", async () => {
  const outages = { hours: 24, every: 24 }
  const result = await simulateTerm(emulator, { ...small, withSwitches: true, outages })
  expect(result.launches).toBeGreaterThan(0)
  const { billed, apart } = maxima(result)
  expect(billed).toBeLessThanOrEqual(microUsd(small.budget))
  expect(apart).toBe(0)
}, 120_000)

test("without it, no more than the budget and an outage at the hourly limit, and the ledger says what AWS bills", async () => {
  const outages = { hours: 12, every: 48 }
  const result = await simulateTerm(emulator, { ...small, withSwitches: false, outages })
  const { billed, apart } = maxima(result)
  const outageCost = (result.outageMs / 3_600_000) * small.maxHourlyCost
  expect(billed).toBeLessThanOrEqual(microUsd(small.budget + outageCost))
  expect(apart).toBe(0)
}, 120_000)
