/** What a login may spend in a term. */
import type { Config } from "../../base/config.ts"
import type { MicroUsd } from "../../base/money.ts"
import { limitsOf } from "../../decisions/launches/launch_policy.ts"

/** Null: without a bound. Nobody ("") has no budget. */
export function budgetOf(config: Config, login: string): MicroUsd | null {
  return login === "" ? null : limitsOf(config, login).budget
}
