/** What a login has spent, reserved and left of its budget, by the ledger alone. */
import type { Config } from "../../base/config.ts"
import { type MicroUsd, noMicroUsd, plus, total, toUsd } from "../../base/money.ts"
import { isoUtc, later, msPerDay, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { volumesAhead } from "../../decisions/launches/worst_case.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import { type BudgetState, budgetState } from "../../decisions/reports/budget_state.ts"
import { budgetBegan } from "../launches/limits.ts"
import { reservedForInstances } from "../storage/enforce_storage.ts"
import { budgetOf } from "./budgets.ts"
import { charges } from "./charges.ts"

/** Null where the login has no budget. */
export function budgetStateOf(
  deps: { usageDb: UsageDb; config: Config; nowUtcMs: UtcMs },
  tariff: Tariff,
  login: string,
): BudgetState | null {
  const { usageDb, nowUtcMs } = deps
  const budget = budgetOf(deps, login)
  if (budget === null) return null
  const spent = usageDb.ledger.spent(tariff, login, budgetBegan(deps, login, nowUtcMs), nowUtcMs).highest
  const kept = volumesAhead(usageDb.ledger.flatRates.looseMicroUsdPerHour(login, "own"))
  const reserved = plus(reservedForInstances(deps, login, nowUtcMs), kept)
  return budgetState({ budget, spent, reserved, perDay: lastDay(deps, tariff, login) }, nowUtcMs)
}

export function budgetJson({ budget, spent, reserved, left, perDay, lastsUntilUtcMs }: BudgetState): object {
  return {
    limit_usd: toUsd(budget),
    spent_usd: toUsd(spent),
    reserved_usd: toUsd(reserved),
    left_usd: toUsd(left),
    last_24_hours_usd: toUsd(perDay),
    lasts_until: lastsUntilUtcMs === null ? null : isoUtc(lastsUntilUtcMs),
  }
}

function lastDay(
  { usageDb, nowUtcMs }: { usageDb: UsageDb; nowUtcMs: UtcMs },
  tariff: Tariff,
  login: string,
): MicroUsd {
  const range = { fromUtcMs: later(nowUtcMs, -msPerDay), toUtcMs: nowUtcMs }
  const costs = [...charges(usageDb, tariff, { login, range, nowUtcMs })].map(({ cost }) => cost?.highest)
  return total(costs.map((cost) => cost ?? noMicroUsd))
}
