/** Owners hear of each of `limits.warn_percent` that they have passed: once, from the next tool and by mail. */
import { toUsd } from "../../base/money.ts"
import { later, msPerDay } from "../../base/time.ts"
import { passedPercent } from "../../decisions/reports/budget_state.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { budgetBegan } from "../launches/limits.ts"
import { standingsNow } from "../messages/standing_messages.ts"
import { awsNow } from "../usage/aws_time.ts"
import type { Warning } from "./warnings.ts"

/** A month, in which everybody uses a tool. */
const saidWithinMs = 30 * msPerDay

/** What has not been said yet, by the ledger: of several that were passed at once, the highest. */
export function budgetWarnings(deps: LedgerDeps): Warning[] {
  const { usageDb, config } = deps
  const nowUtcMs = awsNow(deps)
  return standingsNow(deps, nowUtcMs).flatMap(({ login, spent, budget }) => {
    const percent = passedPercent({ spent, budget }, config.warnPercents)
    if (login === "" || percent === null || budget === null) return []
    const about = `${percent} % of the budget of ${budget} since ${budgetBegan(deps, login, nowUtcMs)}`
    if (usageDb.notices.has(login, about)) return []
    const dollars = `$${toUsd(spent).toFixed(2)} of $${toUsd(budget).toFixed(2)}`
    return {
      login,
      about,
      what: `${percent} % of the budget`,
      subject: `${percent} % of your budget is spent`,
      text: `You have spent ${dollars}, more than ${percent} % of your budget. How long it lasts: ec2-usage`,
      expiresAtUtcMs: later(nowUtcMs, saidWithinMs),
    }
  })
}

export const budgetWarningLine = ({ login, what }: Warning) => `warn ${login}: ${what} is spent`
