/** What ec2_active says about limits and budget. */
import { type MicroUsd, mostOf, noMicroUsd, toUsd, usd } from "../../base/money.ts"
import { isoUtc } from "../../base/time.ts"
import { countOf } from "../../decisions/launches/admission.ts"
import type { Quota } from "../../operations/launches/quota.ts"

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
