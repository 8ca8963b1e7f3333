/** What every login has spent in a range, and what is left of its budget, which counts from the term's start. */
import type { Config } from "../../base/config.ts"
import { noMicroUsd } from "../../base/money.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import { type Balance, leftOf } from "../../decisions/reports/balance.ts"
import { budgetOf } from "./budgets.ts"
import { finite } from "./charges.ts"
import type { Scope } from "./days.ts"
import { termOf } from "./query.ts"
import { totals } from "./totals.ts"

/** In no order. */
export function balancesOf(usageDb: UsageDb, tariff: Tariff, config: Config, scope: Scope): Balance[] {
  const { nowUtcMs, range, login: only } = scope
  const spent = totals(usageDb, tariff, range, nowUtcMs)
  const term = termOf(config.course, nowUtcMs)
  const isTerm = range.fromUtcMs === term.fromUtcMs && range.toUtcMs === term.toUtcMs
  const thisTerm = isTerm ? spent : totals(usageDb, tariff, term, nowUtcMs)
  const estimated = usageDb.ledger.flatRates.loginsWithEstimates(...finite(range))
  return [...spent]
    .filter(([login]) => only === null || login === only)
    .map(([login, cost]) => {
      const budget = budgetOf({ config, usageDb, nowUtcMs }, login)
      return {
        login,
        ...cost,
        isEstimate: estimated.has(login),
        budget,
        left: leftOf(budget, thisTerm.get(login)?.highest ?? noMicroUsd),
      }
    })
}
