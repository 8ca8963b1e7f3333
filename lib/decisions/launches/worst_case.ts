/**
 * The most that something launched through us can cost before enforcement ends it. Used amounts are rounded half up, what is
 * reserved is rounded up, and a micro-dollar is added for each part that is cut in two by `now`, so that what has been used
 * and what is reserved is never less than what is billed in the end.
 */

import type { Config } from "../../base/config.ts"
import { costRoundedUp, type MicroUsd, microUsdOf, noMicroUsd, plus, times, total } from "../../base/money.ts"
import { later, msPerDay, msPerHour, msPerMinute, msPerSecond, type UtcMs } from "../../base/time.ts"
import { suseOperation } from "../pricing/costs.ts"

/** What an instance costs per hour, by part. */
export interface Rates {
  /** What EC2 sells it as: SUSE is charged by started hours, whatever the config says of the rest. */
  usageOperation: string
  microUsdPerHour: MicroUsd
  storageMicroUsdPerHour: MicroUsd
  addressMicroUsdPerHour: MicroUsd
}

/** The config's leases and billing as a sum over many leases needs them. */
export interface LeaseTerms {
  /** How long after its end a lease's instance may still run. */
  enforcementMs: number
  /** How long volumes may outlive that. */
  storageMs: number
  /** Whether every started hour is charged, and not seconds. */
  isHourly: boolean
  minimumMs: number
}

/** What `now` cuts in two, instance, volumes and address, is rounded twice: a micro-dollar for each. lib/db/enforcement/leases.ts adds it too. */
export const cutPartsMicroUsd = microUsdOf(3)
/** A run that begins is rounded once more for each of these, and for the second that dates it. */
const startedPartsMicroUsd = microUsdOf(4)

/** Volumes and addresses are charged at least this long. */
const flatMinimumMs = msPerMinute

export function leaseTerms({ leases, billing }: Pick<Config, "leases" | "billing">): LeaseTerms {
  return {
    enforcementMs: leases.enforcementMs,
    storageMs: leases.action === "stop" ? leases.stoppedMs + leases.enforcementMs : 0,
    isHourly: billing.granularity === "hour",
    // an address is charged for a minute whatever the minimum of instances
    minimumMs: Math.max(billing.minimumMs, flatMinimumMs),
  }
}

/** What of a lease decides how long it may still cost. */
export interface LeaseLeft {
  endsAtUtcMs: UtcMs
  isRunning: boolean
  /** Since when the ledger charges its run; null where that has not begun. */
  chargedSinceUtcMs: UtcMs | null
}

/** What one instance may cost from `nowUtcMs` on: running until its lease ends and enforcement comes, or stopped. */
export function remainingCost(
  rates: Rates,
  { endsAtUtcMs, isRunning, chargedSinceUtcMs }: LeaseLeft,
  nowUtcMs: UtcMs,
  terms: LeaseTerms,
): MicroUsd {
  const leftMs = Math.max(endsAtUtcMs - nowUtcMs, 0) + terms.enforcementMs
  const isHourly = isByTheHour(rates, terms)
  // addresses are charged by the second, whatever has them
  const bySecond = plus(rates.addressMicroUsdPerHour, isHourly ? noMicroUsd : rates.microUsdPerHour)
  // seconds are charged whole
  const chargedMs = Math.ceil(Math.max(leftMs, terms.minimumMs) / msPerSecond) * msPerSecond
  const hours = isHourly ? startedHours(chargedSinceUtcMs, nowUtcMs, leftMs) : 0
  const running = isRunning
    ? plus(costRoundedUp(bySecond, chargedMs), times(hours, rates.microUsdPerHour))
    : noMicroUsd
  const storage = costRoundedUp(
    rates.storageMicroUsdPerHour,
    Math.max(leftMs + terms.storageMs, flatMinimumMs),
  )
  return total([running, storage, cutPartsMicroUsd])
}

function isByTheHour({ usageOperation }: Rates, { isHourly }: LeaseTerms): boolean {
  return isHourly || usageOperation === suseOperation
}

/** How many are still to be started: those of the whole run, less those that are charged as spent since they began. */
function startedHours(sinceUtcMs: UtcMs | null, nowUtcMs: UtcMs, leftMs: number): number {
  const hours = (ms: number) => Math.max(1, Math.ceil(ms / msPerHour))
  if (sinceUtcMs === null) return hours(leftMs)
  return hours(nowUtcMs + leftMs - sinceUtcMs) - hours(nowUtcMs - sinceUtcMs)
}

/** A launch is dated by whole seconds, and what remains of it is counted in whole seconds. */
const datedToMs = 2 * msPerSecond

/**
 * The same for a run that begins now. What is charged at least is spent as soon as it runs, while that time remains: it is asked for
 * from the beginning, so that what was admitted never takes more room from what comes after it than it was admitted for.
 */
export function startingCost(rates: Rates, endsAtUtcMs: UtcMs, nowUtcMs: UtcMs, terms: LeaseTerms): MicroUsd {
  const { microUsdPerHour, storageMicroUsdPerHour, addressMicroUsdPerHour } = rates
  const isHourly = isByTheHour(rates, terms)
  const run = { isRunning: true, chargedSinceUtcMs: null }
  // dated earlier than it is asked for, it may begin one more hour
  const endsAt = later(endsAtUtcMs, isHourly ? datedToMs : 0)
  const remaining = remainingCost(rates, { ...run, endsAtUtcMs: endsAt }, nowUtcMs, terms)
  const all = total([storageMicroUsdPerHour, addressMicroUsdPerHour, isHourly ? noMicroUsd : microUsdPerHour])
  return total([remaining, costRoundedUp(all, terms.minimumMs + datedToMs), startedPartsMicroUsd])
}

/** Volumes of clusters have no end: so much of their cost is reserved ahead, always. */
const volumesAheadMs = 30 * msPerDay

/** What volumes that outlive instances, at this price together, have reserved. */
export function volumesAhead(microUsdPerHour: MicroUsd): MicroUsd {
  return costRoundedUp(microUsdPerHour, volumesAheadMs)
}
