/** What a login may spend in a term. */
import type { Config } from "../../base/config.ts"
import type { MicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { limitsAt } from "../launches/limits.ts"

/** With what staff has granted. Null: without a bound. Nobody ("") has no budget. */
export function budgetOf(
  deps: { config: Config; usageDb: UsageDb; nowUtcMs: UtcMs },
  login: string,
): MicroUsd | null {
  return login === "" ? null : limitsAt(deps, login, deps.nowUtcMs).budget
}
