import { expect, test } from "bun:test"
import { type AdmittedGroup, tooMuchTogether } from "../../../lib/decisions/clusters/room_together.ts"

/** A master and workers, of which each alone fits into 20 instances, $5.10 per hour and the budgets. */
function groups(
  workers: number,
  { hourlyCost = 0.1, budget = null, courseBudget = null }: Record<string, number | null> = {},
): AdmittedGroup[] {
  const rest = (total: number | null | undefined, used: number) => (total == null ? null : total - used)
  return [1, workers].map((count) => {
    const hourly = count * (hourlyCost ?? 0)
    return {
      ...{ count, hourlyCost: hourly, worstCase: 4 * hourly },
      left: {
        instances: 20 - count,
        hourly_cost: 5.1 - hourly,
        budget: rest(budget, 4 * hourly),
        course_budget: rest(courseBudget, 4 * hourly),
      },
    }
  })
}

test("what fits exactly fits, one more does not", () => {
  expect(tooMuchTogether(groups(19))).toBeNull()
  expect(tooMuchTogether(groups(20))).toBe("1 + 20 asked = 21 instances, 20 left")
  expect(tooMuchTogether(groups(9, { hourlyCost: 0.51, budget: 20.4, courseBudget: 20.4 }))).toBeNull()
})

test("money is counted as instances are", () => {
  expect(tooMuchTogether(groups(10, { hourlyCost: 0.5 }))).toBe(
    "$0.5000 + $5.0000 asked = $5.5000 per hour, $5.1000 left",
  )
  expect(tooMuchTogether(groups(9, { budget: 3.99 }))).toBe(
    "$0.4000 + $3.6000 asked = $4.0000 at worst, $3.9900 left",
  )
  expect(tooMuchTogether(groups(9, { budget: 10, courseBudget: 3.99 }))).toContain("of the course's budget")
})

test("nothing is held against an ec2-run that does not say what is left", () => {
  expect(tooMuchTogether(groups(50).map((group) => ({ ...group, left: null })))).toBeNull()
  expect(tooMuchTogether([])).toBeNull()
})
