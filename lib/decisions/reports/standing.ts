/** What each login has spent, beside its budget: sorted, cut, and said as lines, CSV and JSON. */
import { type MicroUsd, minus, mostOf, noMicroUsd, toUsd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import type { Bounds } from "../pricing/costs.ts"
import { csvRow } from "./csv_row.ts"
import { amountOf, sumOf, userTotalLine } from "./text_form.ts"

export interface Standing extends Bounds {
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

export const standingOrders = ["spent", "left", "login"] as const
export type StandingOrder = (typeof standingOrders)[number]

/** From this share of a budget on a student is near its end. */
export const nearShare = 0.8

/** Of a budget that is used, by the upper bound; null without a budget. */
export function shareUsed({ budget, left }: Pick<Standing, "budget" | "left">): number | null {
  if (budget === null || left === null) return null
  return budget === 0 ? 1 : (budget - left) / budget
}

/** `spent`: the most first. `left`: the least first, those without a budget last. Nobody's comes last by `left` and `login`. */
export function sortedStandings(standings: readonly Standing[], by: StandingOrder): Standing[] {
  return standings.toSorted((one, other) => {
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
export function standingLines(standings: readonly Standing[], top: number | null): string[] {
  const shown = standings.slice(0, top ?? standings.length)
  const rest = standings.length - shown.length
  return [
    ...shown.map(
      (standing) => userTotalLine(standing.login, standing, standing.unpriced) + budgetNote(standing),
    ),
    ...(rest > 0 ? [`... and ${plural(rest, "user")} more`] : []),
    `(sum = ${amountOf(sumOf(standings))})`,
  ]
}

function budgetNote(standing: Standing): string {
  const { budget, left } = standing
  if (budget === null || left === null) return "  no budget"
  const share = Math.floor(100 * (shareUsed(standing) ?? 0))
  return `  ${share}% of $${toUsd(budget).toFixed(2)}, $${toUsd(left).toFixed(2)} left`
}

export function* standingCsv(standings: readonly Standing[]): Generator<string> {
  yield "user,lowest_usd,highest_usd,unpriced,budget_usd,left_usd"
  for (const { login, lowest, highest, unpriced, budget, left } of standings) {
    const amounts = [budget, left].map((amount) => (amount === null ? "" : toUsd(amount)))
    yield csvRow([login, toUsd(lowest), toUsd(highest), unpriced, ...amounts])
  }
}

export function standingJson({ login, lowest, highest, unpriced, budget, left }: Standing) {
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
