/**
 * Made-up lives of instances through the real usage_cron, usage.db and usage_report, and the bill that AWS would write by its documented
 * rules: the true cost lies inside our bounds always, and equals our figure where the evidence is exact. `npm run soak oracle` tries
 * thousands.
 */
import { expect, test } from "bun:test"
import { tryWorlds } from "../../support/oracle/world.ts"

test("the true cost lies inside the reported bounds, whatever cron sees, and is the figure where all is known", async () => {
  const { wrong, histories, compared, exact } = await tryWorlds(1, 41)
  expect(wrong).toEqual([])
  expect(histories).toBeGreaterThan(600)
  expect(compared).toBeGreaterThan(5000)
  expect(exact).toBeGreaterThan(100)
})
