/** Whether groups that ec2-run admits one by one fit together: a dry run of one holds nothing that the next would count. */
import type { LaunchedReply } from "../../base/launch_protocol.ts"
import { plural } from "../../base/text.ts"

export interface AdmittedGroup {
  count: number
  /** US$. */
  hourlyCost: number
  worstCase: number
  /** Beside this group alone; null where ec2-run does not say it. */
  left: NonNullable<LaunchedReply["left"]> | null
}

/** What they ask together that there is no room for, with its arithmetic; null where they fit. */
export function tooMuchTogether(groups: readonly AdmittedGroup[]): string | null {
  const [first] = groups
  if (!first?.left) return null
  const { instances, hourly_cost, budget, course_budget } = first.left
  const counts = groups.map(({ count }) => count)
  if (exceeds(counts, instances)) {
    return `${counts.join(" + ")} asked = ${plural(sum(counts), "instance")}, ${instances + first.count} left`
  }
  const dollars = (amounts: readonly number[], left: number, what: string) => {
    const shown = amounts.map((amount) => `$${amount.toFixed(4)}`)
    const [all, most] = [sum(amounts), left + (amounts[0] ?? 0)].map((amount) => `$${amount.toFixed(4)}`)
    return `${shown.join(" + ")} asked = ${all}${what}, ${most} left`
  }
  const hourly = groups.map(({ hourlyCost }) => hourlyCost)
  if (exceeds(hourly, hourly_cost)) return dollars(hourly, hourly_cost, " per hour")
  const worst = groups.map(({ worstCase }) => worstCase)
  if (budget !== null && exceeds(worst, budget)) return dollars(worst, budget, " at worst")
  if (course_budget !== null && exceeds(worst, course_budget))
    return dollars(worst, course_budget, " at worst, of the course's budget")
  return null
}

/** Whether the others want more than the first leaves; to the micro-dollar. */
function exceeds([, ...others]: readonly number[], left: number): boolean {
  return Math.round((sum(others) - left) * 1e6) > 0
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0)
}
