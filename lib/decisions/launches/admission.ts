/** Whether what a user asks for fits into what the course allows: hourly cost, count, budgets. */

import type { Limits } from "../../base/config.ts"
import {
  type MicroUsd,
  microUsdOf,
  minus,
  mostOf,
  noMicroUsd,
  plus,
  times,
  total,
  usd,
} from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { askingHint } from "../requests/limit_request.ts"

/** Things of one kind that a user has, or that are on their way. */
export interface Holding {
  /** `requested`: on spot, by others than us, and open when cron last looked. */
  state: "running" | "stopped" | "launching" | "requested"
  count: number
  /** Of one; null where no price is known, for things not launched through us. */
  microUsdPerHour: MicroUsd | null
}

/** What counts against a user and the course before the request. */
export interface Exposure {
  holdings: Holding[]
  /** Volumes and snapshots, also of instances; none where it is missing. */
  storage?: StorageHeld
  /** Since the term began, the highest that it can have been. */
  spent: MicroUsd
  /** What everything held may still cost. */
  reserved: MicroUsd
  courseSpent: MicroUsd
  courseReserved: MicroUsd
}

/** Storage per hour, and the price of a GiB of gp3 by which it is counted in GiB. */
export interface StorageHeld {
  /** All of it. */
  microUsdPerHour: MicroUsd
  /** Without the part of each instance that is as large as an ordinary image. */
  countedMicroUsdPerHour: MicroUsd
  gp3MicroUsdPerGibHour: number
}

/** GiB of each instance that do not count in its hourly cost: images of Linux and Windows have 8 to 30. */
export const ownImageGib = 30

const defaultMostGib = 1000

/** The storage of one instance that counts in the hourly cost. */
export function countedStorage(microUsdPerHour: MicroUsd, gp3MicroUsdPerGibHour: number): MicroUsd {
  return mostOf(
    noMicroUsd,
    minus(microUsdPerHour, microUsdOf(Math.ceil(ownImageGib * gp3MicroUsdPerGibHour))),
  )
}

/** What is asked. An extension or a restart asks for nothing that is not held already. */
export interface AdmissionRequest {
  verb: "asked" | "started again"
  count: number
  microUsdPerHour: MicroUsd
  /** Storage of all that is asked; none where it is missing. */
  storage?: Omit<StorageHeld, "gp3MicroUsdPerGibHour">
  /** Of all, until the lease ends and enforcement comes; for an extension, what it adds. */
  worst: MicroUsd
}

export type Headroom = {
  hourly: MicroUsd
  instances: number
  budget: MicroUsd | null
  courseBudget: MicroUsd | null
}
export type Admission =
  | { allow: true; left: Headroom }
  | { allow: false; because: string; hint: string | null }

/** What there is room for beyond what is held; negative where a limit was lowered since. */
export function headroomOf(exposure: Exposure, limits: Limits, courseBudget: MicroUsd | null): Headroom {
  const { holdings, spent, reserved, courseSpent, courseReserved } = exposure
  return {
    hourly: minus(limits.maxHourlyCost, hourlyUsed(exposure)),
    instances: limits.maxInstances - countOf(holdings),
    budget: limits.budget === null ? null : minus(limits.budget, plus(spent, reserved)),
    courseBudget: courseBudget === null ? null : minus(courseBudget, plus(courseSpent, courseReserved)),
  }
}

/** What there is room for once a part of what was admitted is given back. */
export function withGivenBack(left: Headroom, hourly: MicroUsd, worst: MicroUsd): Headroom {
  return {
    ...left,
    hourly: plus(left.hourly, hourly),
    budget: left.budget === null ? null : plus(left.budget, worst),
    courseBudget: left.courseBudget === null ? null : plus(left.courseBudget, worst),
  }
}

/** Admits `request`, or refuses it with the arithmetic. */
export function admit(
  exposure: Exposure,
  request: AdmissionRequest,
  limits: Limits,
  courseBudget: MicroUsd | null,
): Admission {
  const asked: Holding[] =
    request.count === 0
      ? []
      : [{ state: "launching", count: request.count, microUsdPerHour: request.microUsdPerHour }]
  const all = [...exposure.holdings, ...asked]
  const storage = storageWith(exposure.storage, request.storage)
  const after = { ...exposure, holdings: all, ...(storage && { storage }) }
  const left = headroomOf(after, limits, courseBudget)
  const asksStorage = (request.storage?.microUsdPerHour ?? 0) > 0
  if (left.hourly < 0 && (asked.length > 0 || asksStorage)) {
    return refusal(
      `${hourlyTerms(exposure, request)} = ${usd(hourlyUsed(after))}/h, limit ${usd(limits.maxHourlyCost)}/h`,
      askingHint("max_hourly_cost", hourlyUsed(after)),
    )
  }
  const mostGib = limits.maxStorageGib ?? defaultMostGib
  if (asksStorage && gibOf(storage) > mostGib) {
    const [has, asks] = [gibOf(exposure.storage), gibOf(storage) - gibOf(exposure.storage)]
    return refusal(
      `${has} GiB of storage + ${asks} GiB asked = ${has + asks} GiB at the price of gp3, limit ${mostGib} GiB`,
    )
  }
  if (left.instances < 0 && asked.length > 0) {
    const terms = [...countTerms(exposure.holdings), `${request.count} ${request.verb}`].join(" + ")
    return refusal(
      `${terms} = ${plural(countOf(all), "instance")}, limit ${limits.maxInstances}`,
      askingHint("max_instances", countOf(all)),
    )
  }
  const overUser = overBudget(request.worst, exposure.spent, exposure.reserved, limits.budget)
  if (overUser) {
    const needed = total([exposure.spent, exposure.reserved, request.worst])
    return refusal(`${overUser}, budget ${usd(limits.budget ?? noMicroUsd)}`, askingHint("budget", needed))
  }
  const overCourse = overBudget(request.worst, exposure.courseSpent, exposure.courseReserved, courseBudget)
  if (overCourse) return refusal(`the course: ${overCourse}, budget ${usd(courseBudget ?? noMicroUsd)}`)
  return {
    allow: true,
    left: {
      ...left,
      budget: left.budget === null ? null : minus(left.budget, request.worst),
      courseBudget: left.courseBudget === null ? null : minus(left.courseBudget, request.worst),
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
  const sum = total([spent, reserved, worst])
  if (budget === null || sum <= budget || worst <= 0) return null
  const terms = [`${usd(spent)} spent`]
  if (reserved > 0) terms.push(`${usd(reserved)} reserved`)
  terms.push(`${usd(worst)} asked at most`)
  return `${terms.join(" + ")} = ${usd(sum)}`
}

function refusal(because: string, hint: string | null = null): Admission {
  return { allow: false, because, hint }
}

function storageWith(
  held: StorageHeld | undefined,
  asked: AdmissionRequest["storage"],
): StorageHeld | undefined {
  if (!held || !asked) return held
  return {
    ...held,
    microUsdPerHour: plus(held.microUsdPerHour, asked.microUsdPerHour),
    countedMicroUsdPerHour: plus(held.countedMicroUsdPerHour, asked.countedMicroUsdPerHour),
  }
}

function gibOf(storage: StorageHeld | undefined): number {
  return storage ? Math.round(storage.microUsdPerHour / storage.gp3MicroUsdPerGibHour) : 0
}

/** Instances and the storage that counts beside them. */
export function hourlyUsed({ holdings, storage }: Pick<Exposure, "holdings" | "storage">): MicroUsd {
  return plus(hourlyOf(holdings), storage?.countedMicroUsdPerHour ?? noMicroUsd)
}

function hourlyTerms({ holdings, storage }: Exposure, request: AdmissionRequest): string {
  const terms = mergeHoldings(holdings).map(
    ({ state, count, microUsdPerHour }) =>
      `${count} ${state} at ${microUsdPerHour === null ? "an unknown price" : `${usd(microUsdPerHour)}/h`}`,
  )
  const held = storage?.countedMicroUsdPerHour ?? noMicroUsd
  if (held > 0) terms.push(`storage at ${usd(held)}/h`)
  if (request.count > 0) terms.push(`${request.count} ${request.verb} at ${usd(request.microUsdPerHour)}/h`)
  const asked = request.storage?.countedMicroUsdPerHour ?? noMicroUsd
  if (asked > 0) terms.push(`storage ${request.verb} at ${usd(asked)}/h`)
  return terms.join(" + ")
}

function countTerms(holdings: Holding[]): string[] {
  const byState = new Map<string, number>()
  for (const { state, count } of holdings) byState.set(state, (byState.get(state) ?? 0) + count)
  return [...byState].map(([state, count]) => `${count} ${state}`)
}

/** Holdings of one state and price as one. */
export function mergeHoldings(holdings: Holding[]): Holding[] {
  const byKind = new Map<string, Holding>()
  for (const holding of holdings) {
    const kind = `${holding.state} ${holding.microUsdPerHour}`
    const count = (byKind.get(kind)?.count ?? 0) + holding.count
    byKind.set(kind, { ...holding, count })
  }
  return [...byKind.values()]
}

export function hourlyOf(holdings: Holding[]): MicroUsd {
  return total(holdings.map(({ count, microUsdPerHour }) => times(count, microUsdPerHour ?? noMicroUsd)))
}

export function countOf(holdings: Holding[]): number {
  return holdings.reduce((sum, { count }) => sum + count, 0)
}
