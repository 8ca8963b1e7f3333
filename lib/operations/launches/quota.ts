/** What a user may have, has used, has reserved, and has left. */

import type { Limits } from "../../base/config.ts"
import type { MicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import {
  type Headroom,
  type Holding,
  headroomOf,
  hourlyUsed,
  mergeHoldings,
} from "../../decisions/launches/admission.ts"
import type { LaunchDeps } from "./deps.ts"
import { exposureOf } from "./exposure.ts"
import { budgetBegan, limitsOf } from "./limits.ts"
import type { OwnInstances } from "./own_instances.ts"

export interface Quota {
  limits: Limits
  holdings: Holding[]
  /** US$ × 10⁻⁶ per hour of instances and counted storage. */
  hourly: MicroUsd
  spent: MicroUsd
  reserved: MicroUsd
  left: Headroom
  termStartUtcMs: UtcMs | null
}

export function quotaOf(deps: LaunchDeps, login: string, own: OwnInstances): Quota {
  const { usageDb, config, clock } = deps
  const limits = limitsOf(deps, login)
  const exposure = usageDb.transaction(() => exposureOf(deps, login, own, clock.now()))
  return {
    limits,
    holdings: mergeHoldings(exposure.holdings),
    hourly: hourlyUsed(exposure),
    spent: exposure.spent,
    reserved: exposure.reserved,
    left: headroomOf(exposure, limits, config.courseBudget),
    termStartUtcMs: budgetBegan(deps, login, clock.now()),
  }
}
