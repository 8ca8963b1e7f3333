/** Whether what a user asks for fits into what the course allows: hourly cost, count, budgets. */
import type { Limits } from "../../base/config.ts"
import { type MicroUsd, usd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"

/** Things of one kind that a user has, or that are on their way. */
export interface Holding {
  /** `requested`: on spot, by others than us, and open when cron last looked. */
  state: "running" | "stopped" | "launching" | "requested"
  count: number
  /** Of one; null where no price is known, for things not launched through us. */
  microUsdPerHour: MicroUsd | null
}

/** What counts against a user and the course before the request. */
export interface Standing {
  holdings: Holding[]
  /** Since the term began, the highest that it can have been. */
  spent: MicroUsd
  /** What everything held may still cost. */
  reserved: MicroUsd
  courseSpent: MicroUsd
  courseReserved: MicroUsd
}

/** What is asked. An extension or a restart asks for nothing that is not held already. */
export interface Ask {
  verb: "asked" | "started again"
  count: number
  microUsdPerHour: MicroUsd
  /** Of all, until the lease ends and enforcement comes; for an extension, what it adds. */
  worst: MicroUsd
}

export type RoomLeft = {
  hourly: MicroUsd
  instances: number
  budget: MicroUsd | null
  courseBudget: MicroUsd | null
}
export type Admission = { allow: true; left: RoomLeft } | { allow: false; because: string }

/** What there is room for beyond what is held; negative where a limit was lowered since. */
export function roomLeft(standing: Standing, limits: Limits, courseBudget: MicroUsd | null): RoomLeft {
  const { holdings, spent, reserved, courseSpent, courseReserved } = standing
  return {
    hourly: limits.maxHourlyCost - hourlyOf(holdings),
    instances: limits.maxInstances - countOf(holdings),
    budget: limits.budget === null ? null : limits.budget - spent - reserved,
    courseBudget: courseBudget === null ? null : courseBudget - courseSpent - courseReserved,
  }
}

/** Admits `ask`, or refuses it with the arithmetic. */
export function admit(
  standing: Standing,
  ask: Ask,
  limits: Limits,
  courseBudget: MicroUsd | null,
): Admission {
  const asked: Holding[] =
    ask.count === 0 ? [] : [{ state: "launching", count: ask.count, microUsdPerHour: ask.microUsdPerHour }]
  const all = [...standing.holdings, ...asked]
  const left = roomLeft({ ...standing, holdings: all }, limits, courseBudget)
  if (left.hourly < 0 && asked.length > 0) {
    return refusal(
      `${hourlyTerms(standing.holdings, ask)} = ${usd(hourlyOf(all))}/h, limit ${usd(limits.maxHourlyCost)}/h`,
    )
  }
  if (left.instances < 0 && asked.length > 0) {
    const terms = [...countTerms(standing.holdings), `${ask.count} ${ask.verb}`].join(" + ")
    return refusal(`${terms} = ${plural(countOf(all), "instance")}, limit ${limits.maxInstances}`)
  }
  const overUser = overBudget(ask.worst, standing.spent, standing.reserved, limits.budget)
  if (overUser) return refusal(`${overUser}, budget ${usd(limits.budget ?? 0)}`)
  const overCourse = overBudget(ask.worst, standing.courseSpent, standing.courseReserved, courseBudget)
  if (overCourse) return refusal(`the course: ${overCourse}, budget ${usd(courseBudget ?? 0)}`)
  return {
    allow: true,
    left: {
      ...left,
      budget: left.budget === null ? null : left.budget - ask.worst,
      courseBudget: left.courseBudget === null ? null : left.courseBudget - ask.worst,
    },
  }
}

/** `$1.20 spent + $0.85 reserved + $3.40 at most = $5.45`, where that is more than the budget. */
function overBudget(
  worst: MicroUsd,
  spent: MicroUsd,
  reserved: MicroUsd,
  budget: MicroUsd | null,
): string | null {
  const sum = spent + reserved + worst
  if (budget === null || sum <= budget || worst <= 0) return null
  const terms = [`${usd(spent)} spent`]
  if (reserved > 0) terms.push(`${usd(reserved)} reserved`)
  terms.push(`${usd(worst)} asked at most`)
  return `${terms.join(" + ")} = ${usd(sum)}`
}

function refusal(because: string): Admission {
  return { allow: false, because }
}

function hourlyTerms(holdings: Holding[], ask: Ask): string {
  const terms = merged(holdings).map(
    ({ state, count, microUsdPerHour }) =>
      `${count} ${state} at ${microUsdPerHour === null ? "an unknown price" : `${usd(microUsdPerHour)}/h`}`,
  )
  return [...terms, `${ask.count} ${ask.verb} at ${usd(ask.microUsdPerHour)}/h`].join(" + ")
}

function countTerms(holdings: Holding[]): string[] {
  const byState = new Map<string, number>()
  for (const { state, count } of holdings) byState.set(state, (byState.get(state) ?? 0) + count)
  return [...byState].map(([state, count]) => `${count} ${state}`)
}

/** Holdings of one state and price as one. */
export function merged(holdings: Holding[]): Holding[] {
  const byKind = new Map<string, Holding>()
  for (const holding of holdings) {
    const kind = `${holding.state} ${holding.microUsdPerHour}`
    const count = (byKind.get(kind)?.count ?? 0) + holding.count
    byKind.set(kind, { ...holding, count })
  }
  return [...byKind.values()]
}

export function hourlyOf(holdings: Holding[]): MicroUsd {
  return holdings.reduce((sum, { count, microUsdPerHour }) => sum + count * (microUsdPerHour ?? 0), 0)
}

export function countOf(holdings: Holding[]): number {
  return holdings.reduce((sum, { count }) => sum + count, 0)
}
