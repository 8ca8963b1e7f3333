/** `ec2-active ALL`: everything that runs, for staff. */
import { type MicroUsd, mostOf, noMicroUsd, total, toUsd, usd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { duration, isoUtc, type UtcMs } from "../../base/time.ts"
import { add, type Bounds, nothing } from "../../decisions/pricing/costs.ts"
import { amountRange } from "../../decisions/reports/text_form.ts"
import {
  isCharged,
  type OwnerBudget,
  type RunningInstance,
  type RunningNow,
} from "../../operations/reports/running_now.ts"
import { haltedLines, statusJson } from "../launches/halt_lines.ts"
import { tableLines } from "../table.ts"
import type { RunningOrder } from "./running_orders.ts"

/** The dearest first, the nearest end first, the oldest first; of what is equal the smaller id. */
export function sortedRunning({ instances, budgets }: RunningNow, by: RunningOrder): RunningInstance[] {
  const share = ({ owner }: RunningInstance) => shareOf(budgets.get(owner)) ?? -1
  const figures: Record<Exclude<RunningOrder, "owner">, (instance: RunningInstance) => number> = {
    since: ({ sinceUtcMs }) => sinceUtcMs,
    until: ({ untilUtcMs }) => untilUtcMs ?? Number.POSITIVE_INFINITY,
    price: ({ microUsdPerHour }) => -(microUsdPerHour ?? Number.POSITIVE_INFINITY),
    cost: ({ cost }) => -(cost?.highest ?? Number.POSITIVE_INFINITY),
    budget: (instance) => -share(instance),
  }
  return instances.toSorted((one, other) => {
    const first = by === "owner" ? compare(one.owner, other.owner) : 0
    const figure = by === "owner" ? 0 : order(figures[by](one), figures[by](other))
    return first || figure || compare(one.owner, other.owner) || compare(one.id, other.id)
  })
}

export function runningLines(now: RunningNow, course: string, by: RunningOrder, nowUtcMs: UtcMs): string[] {
  const sorted = sortedRunning(now, by)
  const leased = sorted.filter(({ kind }) => kind === "leased")
  const others = sorted.filter(({ kind }) => kind !== "leased")
  const row = (instance: RunningInstance) => rowOf(instance, now.budgets.get(instance.owner), nowUtcMs)
  return [
    ...haltedLines(course, now.halts),
    ...tableLines(header, leased.map(row)),
    sumLine(leased),
    ...(others.length > 0
      ? [
          "",
          "Without a lease: an orphan was launched here and gets a lease from usage_cron; a stranger was launched elsewhere and nothing ends it.",
          ...tableLines(
            ["Kind", ...header, "Key"],
            others.map((instance) => [instance.kind, ...row(instance), instance.keyName || "-"]),
          ),
          sumLine(others),
        ]
      : []),
    `${course}: ${amountRange(now.course.spent)} spent${budgetNote(now.course)}`,
  ]
}

const header = [
  "Instance",
  "Type",
  "Owner",
  "State",
  "Region",
  "Since",
  "Lease ends in",
  "Price/h",
  "Cost so far",
  "Budget used",
]

function rowOf(instance: RunningInstance, budget: OwnerBudget | undefined, nowUtcMs: UtcMs): string[] {
  const { id, type, owner, state, region, market, sinceUtcMs, untilUtcMs, microUsdPerHour, cost } = instance
  return [
    id,
    market === "spot" ? `${type} (spot)` : type,
    owner || "(nobody)",
    state,
    region,
    duration(nowUtcMs - sinceUtcMs),
    untilUtcMs === null ? "none" : untilUtcMs > nowUtcMs ? duration(untilUtcMs - nowUtcMs) : "ended",
    microUsdPerHour === null ? "unpriced" : usd(microUsdPerHour),
    cost === null ? "unpriced" : amountRange(cost),
    usedOf(budget),
  ]
}

/** `63% of $100.00`. */
function usedOf(budget: OwnerBudget | undefined): string {
  const share = shareOf(budget)
  if (!budget || budget.budget === null || share === null) return budget ? amountRange(budget.spent) : "-"
  return `${Math.floor(100 * share)}% of ${usd(budget.budget)}`
}

/** Of a budget, by the upper bound; null without one. */
function shareOf(budget: OwnerBudget | undefined): number | null {
  if (!budget || budget.budget === null) return null
  if (budget.budget === 0) return 1
  return budget.spent.highest / budget.budget
}

function budgetNote({ budget, left }: OwnerBudget): string {
  if (budget === null || left === null) return ""
  return ` of ${usd(budget)}, ${usd(mostOf(noMicroUsd, left))} left`
}

function sumLine(instances: readonly RunningInstance[]): string {
  const { running, owners, hourly, cost, unpriced } = sumsOf(instances)
  const note = unpriced > 0 ? `, ${unpriced} unpriced` : ""
  return `${plural(instances.length, "instance")} of ${plural(owners, "owner")}, ${running} running at ${usd(hourly)}/h, ${amountRange(cost)} so far${note}`
}

function sumsOf(instances: readonly RunningInstance[]) {
  const on = instances.filter(isCharged)
  return {
    running: on.length,
    owners: new Set(instances.map(({ owner }) => owner)).size,
    hourly: total(on.map(({ microUsdPerHour }) => microUsdPerHour ?? noMicroUsd)),
    cost: instances.reduce<Bounds>((sum, { cost }) => add(sum, cost ?? nothing), nothing),
    unpriced: instances.filter(({ cost, microUsdPerHour }) => cost === null || microUsdPerHour === null)
      .length,
  }
}

export function runningJson(now: RunningNow, by: RunningOrder, nowUtcMs: UtcMs): object {
  const sorted = sortedRunning(now, by)
  const { running, owners, hourly, cost, unpriced } = sumsOf(sorted)
  return {
    as_of: isoUtc(nowUtcMs),
    ...statusJson(now.halts),
    instances: sorted.map((instance) => ({
      id: instance.id,
      kind: instance.kind,
      type: instance.type,
      market: instance.market,
      region: instance.region,
      user: instance.owner || null,
      state: instance.state,
      key: instance.keyName,
      since: isoUtc(instance.sinceUtcMs),
      lease_end: instance.untilUtcMs === null ? null : isoUtc(instance.untilUtcMs),
      hourly_cost: dollars(instance.microUsdPerHour),
      lowest_usd: dollars(instance.cost?.lowest ?? null),
      highest_usd: dollars(instance.cost?.highest ?? null),
    })),
    users: [...now.budgets].map(([owner, budget]) => ({ user: owner || null, ...budgetJson(budget) })),
    course: budgetJson(now.course),
    total: {
      instances: sorted.length,
      running,
      users: owners,
      hourly_cost: toUsd(hourly),
      lowest_usd: toUsd(cost.lowest),
      highest_usd: toUsd(cost.highest),
      unpriced,
    },
  }
}

function budgetJson({ spent, budget, left }: OwnerBudget) {
  return {
    spent: { lowest_usd: toUsd(spent.lowest), highest_usd: toUsd(spent.highest) },
    budget_usd: dollars(budget),
    left_usd: dollars(left),
  }
}

function dollars(amount: MicroUsd | null): number | null {
  return amount === null ? null : toUsd(amount)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Also where both are infinite. */
function order(one: number, other: number): number {
  return one === other ? 0 : one - other
}
