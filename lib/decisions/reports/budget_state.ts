/** How much of a budget is gone, and how long it lasts if the spending goes on as in the last day. */
import { type MicroUsd, minus, noMicroUsd, plus } from "../../base/money.ts"
import { later, msPerDay, type UtcMs } from "../../base/time.ts"

export interface BudgetState {
  budget: MicroUsd
  spent: MicroUsd
  /** What all that runs, launches and is kept may still cost. */
  reserved: MicroUsd
  /** Negative where more is spent and reserved than the budget has. */
  left: MicroUsd
  /** Spent in the last 24 hours. */
  perDay: MicroUsd
  /** When the budget is spent at this pace; null where nothing was spent lately, or that is more than a year away. */
  lastsUntilUtcMs: UtcMs | null
}

const mostDays = 365

export function budgetState(
  amounts: Pick<BudgetState, "budget" | "spent" | "reserved" | "perDay">,
  nowUtcMs: UtcMs,
): BudgetState {
  const { budget, spent, reserved, perDay } = amounts
  const unspent = minus(budget, spent)
  const days = unspent <= 0 ? 0 : perDay > 0 ? unspent / perDay : Number.POSITIVE_INFINITY
  return {
    ...amounts,
    left: minus(budget, plus(spent, reserved)),
    lastsUntilUtcMs: days > mostDays ? null : later(nowUtcMs, Math.floor(days * msPerDay)),
  }
}

/** The highest of these percentages that is spent of a budget; null: none. A budget of nothing is never passed. */
export function passedPercent(
  { spent, budget }: { spent: MicroUsd; budget: MicroUsd | null },
  percents: readonly number[],
): number | null {
  if (budget === null || budget <= noMicroUsd) return null
  const passed = percents.filter((percent) => 100 * spent >= percent * budget)
  return passed.length > 0 ? Math.max(...passed) : null
}

/** Staff need not hear of those who have half of theirs. */
export const staffHearFromPercent = 80
