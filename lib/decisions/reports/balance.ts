/** What each login has spent, beside its budget: sorted, cut, and said as lines, CSV and JSON. */
import { type MicroUsd, minus, mostOf, noMicroUsd, toUsd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import type { Bounds } from "../pricing/costs.ts"
import { csvRow } from "./csv_row.ts"
import { amountOf, sumOf, userTotalLine } from "./text_form.ts"

export interface Balance extends Bounds {
  /** "" is nobody. */
  login: string
  /** How many charges have no price. */
  unpriced: number
  /** Of what they rent something has no published price. */
  isEstimate: boolean
  /** Per term; null: none. */
  budget: MicroUsd | null
  /** Of the budget, which counts from the term's start, at the least; never negative. */
  left: MicroUsd | null
}

export const balanceOrders = ["spent", "left", "login"] as const
export type BalanceOrder = (typeof balanceOrders)[number]

/** From this share of a budget on a student is near its end. */
export const nearShare = 0.8

/** Of a budget that is used, by the upper bound; null without a budget. */
export function shareUsed({ budget, left }: Pick<Balance, "budget" | "left">): number | null {
  if (budget === null || left === null) return null
  return budget === 0 ? 1 : (budget - left) / budget
}

/** `spent`: the most first. `left`: the least first, those without a budget last. Nobody's comes last by `left` and `login`. */
export function sortedBalances(balances: readonly Balance[], by: BalanceOrder): Balance[] {
  return balances.toSorted((one, other) => {
    if (by !== "spent" && (one.login === "") !== (other.login === "")) return one.login === "" ? 1 : -1
    const byFigure =
      by === "spent"
        ? other.highest - one.highest
        : by === "left"
          ? (one.left ?? Number.MAX_SAFE_INTEGER) - (other.left ?? Number.MAX_SAFE_INTEGER)
          : 0
    return byFigure || (one.login < other.login ? -1 : one.login > other.login ? 1 : 0)
  })
}

/** The lines of `ALL`, with the budget behind each; at the end the sum of all, also of those that `top` leaves out. */
export function balanceLines(balances: readonly Balance[], top: number | null): string[] {
  const shown = balances.slice(0, top ?? balances.length)
  const rest = balances.length - shown.length
  return [
    ...shown.map((balance) => userTotalLine(balance.login, balance, balance.unpriced) + budgetNote(balance)),
    ...(rest > 0 ? [`... and ${plural(rest, "user")} more`] : []),
    `(sum = ${amountOf(sumOf(balances))})`,
  ]
}

function budgetNote(balance: Balance): string {
  const { budget, left } = balance
  if (budget === null || left === null) return "  no budget"
  const share = Math.floor(100 * (shareUsed(balance) ?? 0))
  return `  ${share}% of $${toUsd(budget).toFixed(2)}, $${toUsd(left).toFixed(2)} left`
}

export function* balanceCsv(balances: readonly Balance[]): Generator<string> {
  yield "user,lowest_usd,highest_usd,unpriced,budget_usd,left_usd"
  for (const { login, lowest, highest, unpriced, budget, left } of balances) {
    const amounts = [budget, left].map((amount) => (amount === null ? "" : toUsd(amount)))
    yield csvRow([login, toUsd(lowest), toUsd(highest), unpriced, ...amounts])
  }
}

export function balanceJson({ login, lowest, highest, unpriced, budget, left }: Balance) {
  return {
    user: login || null,
    lowest_usd: toUsd(lowest),
    highest_usd: toUsd(highest),
    unpriced,
    budget_usd: budget === null ? null : toUsd(budget),
    left_usd: left === null ? null : toUsd(left),
  }
}

/** What is left of a budget; 0 where more was spent. */
export function leftOf(budget: MicroUsd | null, spent: MicroUsd): MicroUsd | null {
  return budget === null ? null : mostOf(noMicroUsd, minus(budget, spent))
}
