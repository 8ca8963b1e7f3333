/** What a user may have, has used, has reserved, and has left. */

import type { Limits } from "../../base/config.ts"
import { type MicroUsd, mostOf, noMicroUsd, toUsd, usd } from "../../base/money.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import {
  countOf,
  type Headroom,
  type Holding,
  headroomOf,
  hourlyUsed,
  mergeHoldings,
} from "../../decisions/launches/admission.ts"
import { limitsOf } from "../../decisions/launches/launch_policy.ts"
import { termBegan } from "../../decisions/pricing/term.ts"
import type { LaunchDeps } from "./deps.ts"
import { exposureOf } from "./exposure.ts"
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
  const limits = limitsOf(config, login)
  const exposure = usageDb.transaction(() => exposureOf(deps, login, own, clock.now()))
  return {
    limits,
    holdings: mergeHoldings(exposure.holdings),
    hourly: hourlyUsed(exposure),
    spent: exposure.spent,
    reserved: exposure.reserved,
    left: headroomOf(exposure, limits, config.courseBudget),
    termStartUtcMs: termBegan(config.course, clock.now()),
  }
}

export function quotaLines({
  limits,
  holdings,
  hourly,
  spent,
  reserved,
  left,
  termStartUtcMs,
}: Quota): string[] {
  const since = termStartUtcMs === null ? "" : ` since ${isoUtc(termStartUtcMs).slice(0, 10)}`
  const { budget, maxHourlyCost, maxInstances } = limits
  const lines = [
    `instances: ${countOf(holdings)} used, ${Math.max(0, left.instances)} left of ${maxInstances}`,
    `hourly cost: ${usd(hourly)}/h used, ${usd(mostOf(noMicroUsd, left.hourly))}/h left of ${usd(maxHourlyCost)}/h`,
  ]
  const used = `${usd(spent)} spent${since}, ${usd(reserved)} reserved`
  lines.push(
    budget === null
      ? `budget: ${used}, no limit`
      : `budget: ${used}, ${usd(mostOf(noMicroUsd, left.budget ?? noMicroUsd))} left of ${usd(budget)}`,
  )
  if (left.courseBudget !== null && left.courseBudget < (left.budget ?? Number.POSITIVE_INFINITY)) {
    lines.push(`the course's budget has ${usd(mostOf(noMicroUsd, left.courseBudget))} left`)
  }
  return lines
}

export function quotaJson({ limits, holdings, hourly, spent, reserved, left }: Quota): object {
  const dollars = (amount: MicroUsd | null) => (amount === null ? null : toUsd(amount))
  return {
    instances: { used: countOf(holdings), left: left.instances, limit: limits.maxInstances },
    hourly_cost: {
      used: toUsd(hourly),
      left: toUsd(left.hourly),
      limit: toUsd(limits.maxHourlyCost),
    },
    budget: {
      spent: toUsd(spent),
      reserved: toUsd(reserved),
      left: dollars(left.budget),
      limit: dollars(limits.budget),
    },
    course_budget_left: dollars(left.courseBudget),
  }
}
