/** What a launch's dry run says. */
import { usd } from "../../base/money.ts"
import { isoUtc } from "../../base/time.ts"
import type { Headroom } from "../../decisions/launches/admission.ts"
import type { Launched } from "../../operations/launches/launched.ts"

/** For people: what it costs, at worst, and what is left after it. */
export function costLines({ microUsdPerHour, worst, leaseEndsAtUtcMs, left }: Launched): string[] {
  return [
    `price: ${usd(microUsdPerHour)}/h`,
    `worst case: ${usd(worst)} until the lease ends at ${isoUtc(leaseEndsAtUtcMs)} and enforcement comes, with volumes and addresses`,
    ...(left ? leftLines(left) : []),
  ]
}

function leftLines({ hourly, instances, budget, courseBudget }: Headroom): string[] {
  const lines = [`left: ${usd(hourly)}/h, ${instances} instances`]
  if (budget !== null) lines.push(`left of the budget: ${usd(budget)}`)
  if (courseBudget !== null) lines.push(`left of the course's budget: ${usd(courseBudget)}`)
  return lines
}
