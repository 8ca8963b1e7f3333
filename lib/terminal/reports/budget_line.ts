/** What usage_report says of a budget, beside its report. */
import { mostOf, noMicroUsd, usd } from "../../base/money.ts"
import { isoUtc } from "../../base/time.ts"
import type { BudgetState } from "../../decisions/reports/budget_state.ts"

export function budgetLine({ budget, spent, reserved, left, perDay, lastsUntilUtcMs }: BudgetState): string {
  const state = `budget: ${usd(spent)} spent, ${usd(reserved)} reserved, ${usd(mostOf(noMicroUsd, left))} left of ${usd(budget)}`
  if (perDay <= 0) return state
  const pace = `at the pace of the last 24 hours (${usd(perDay)})`
  if (spent >= budget) return `${state}; it is used up`
  return lastsUntilUtcMs === null
    ? `${state}; ${pace} it lasts for more than a year`
    : `${state}; ${pace} it lasts until ${isoUtc(lastsUntilUtcMs).slice(0, 16).replace("T", " ")} UTC`
}
