/**
 * What a run costs by EC2's rules: per second with a minimum per start, or every started hour; spot by the history of its
 * zone, and free where EC2 takes it back in the first hour. Prices times milliseconds are summed exactly and rounded once.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
 */
import { costOf, fromHourly, leastOf, type MicroUsd, minus, noMicroUsd, plus } from "../../base/money.ts"
import { earliestOf, later, latestOf, msPerHour, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { Run } from "../usage/runs.ts"
import { linuxOperation } from "./embedded_prices.ts"
import {
  type KeptPrice,
  onDemandPrice,
  type PriceBook,
  publicIpv4BilledFromUtcMs,
  publicIpv4MicroUsdPerHour,
  spotEstimate,
} from "./prices.ts"

export interface Billing {
  granularity: "second" | "hour"
  minimumMs: number
  /**
   * EC2 charges from `running`, which it does not date, some seconds after the LaunchTime from which we know a run: how many of a
   * start's milliseconds are in the upper bound only. Not by hours, nor in what the old tools recorded: there a run counted from
   * its launch.
   */
  pendingMs?: number
}

/** Everything that turns time into money. */
export interface Tariff {
  book: PriceBook
  billing: Billing
  /** Changes with every price and rule: what was computed under another one is computed again. */
  fingerprint: string
}

/** The true amount lies between these two; they are equal where the evidence is exact. */
export interface Bounds {
  lowest: MicroUsd
  highest: MicroUsd
}

export const nothing: Bounds = { lowest: noMicroUsd, highest: noMicroUsd }

export function add(one: Bounds, other: Bounds): Bounds {
  return { lowest: plus(one.lowest, other.lowest), highest: plus(one.highest, other.highest) }
}

/** A stretch of time, the end excluded. */
export interface Range {
  fromUtcMs: UtcMs
  toUtcMs: UtcMs
}

/** Raised whenever the rules here give a run another cost: sums that are kept were made under it. */
export const costRules = 2

export const always: Range = {
  fromUtcMs: utcMsOf(Number.NEGATIVE_INFINITY),
  toUtcMs: utcMsOf(Number.POSITIVE_INFINITY),
}

/** The shortest and the longest that a run can have been. An open one may have ended since it was last seen. */
export function extremes(
  run: Run,
  nowUtcMs: UtcMs,
  { granularity, pendingMs = 0 }: Billing,
): { shortest: Range; longest: Range } {
  const { start, end, seenUtcMs } = run
  const earliestEnd = end ? end.earliestUtcMs : earliestOf(latestOf(seenUtcMs, start.latestUtcMs), nowUtcMs)
  const latestEnd = end ? end.latestUtcMs : latestOf(seenUtcMs, nowUtcMs)
  const surelyOn = later(start.latestUtcMs, granularity === "second" && !run.isOld ? pendingMs : 0)
  return {
    shortest: { fromUtcMs: surelyOn, toUtcMs: latestOf(surelyOn, earliestEnd) },
    longest: { fromUtcMs: start.earliestUtcMs, toUtcMs: latestOf(start.earliestUtcMs, latestEnd) },
  }
}

/** What of an instance's run falls into `range`, without its address; null where a price is not known. */
export function costOfRun(tariff: Tariff, run: Run, nowUtcMs: UtcMs, range: Range = always): Bounds | null {
  const { shortest, longest } = extremes(run, nowUtcMs, tariff.billing)
  const isSpot = run.market === "spot"
  const lowestIsFree = isSpot && run.endedByEc2 !== false && run.end !== null && lasts(shortest) < msPerHour
  const highestIsFree = isSpot && run.endedByEc2 === true && lasts(longest) < msPerHour
  // A run that may have lasted no time may not have been one at all, or ended while it was pending.
  const mayNotHaveBeen = lasts(shortest) === 0 && lasts(longest) > 0
  const mostUntil = (utcMs: UtcMs) =>
    highestIsFree ? noMicroUsd : accrued(tariff, run, longest, utcMs, "highest")
  const highest = within(range, mostUntil)
  if (highest === null || lowestIsFree || mayNotHaveBeen)
    return highest === null ? null : { lowest: noMicroUsd, highest }
  const isCertain = shortest.fromUtcMs === longest.fromUtcMs && shortest.toUtcMs === longest.toUtcMs
  if (isCertain && !highestIsFree && !isSpot) return { lowest: highest, highest }
  const lowest = within(range, (utcMs) => {
    const [least, most] = [accrued(tariff, run, shortest, utcMs, "lowest"), mostUntil(utcMs)]
    return least === null || most === null ? null : leastOf(least, most)
  })
  return lowest === null ? null : { lowest, highest }
}

/** The same for the public IPv4 address that an instance had while it ran. */
export function costOfAddress(
  { billing }: Pick<Tariff, "billing">,
  run: Run,
  nowUtcMs: UtcMs,
  range: Range = always,
): Bounds {
  if (run.publicIpv4 === false) return nothing
  const { shortest, longest } = extremes(run, nowUtcMs, billing)
  const cost = (stretch: Range) => flatCost(publicIpv4MicroUsdPerHour, sinceBilled(stretch), range)
  return { lowest: run.publicIpv4 ? cost(shortest) : noMicroUsd, highest: cost(longest) }
}

/** AWS charges for public addresses only since 2024. */
function sinceBilled({ fromUtcMs, toUtcMs }: Range): Range {
  const from = latestOf(fromUtcMs, publicIpv4BilledFromUtcMs)
  return { fromUtcMs: from, toUtcMs: latestOf(from, toUtcMs) }
}

/** What is charged per second with a 60 s minimum whatever it does: volumes and addresses. */
export function flatCost(
  microUsdPerHour: MicroUsd,
  { fromUtcMs, toUtcMs }: Range,
  range: Range = always,
): MicroUsd {
  const accrued = (untilUtcMs: UtcMs) => {
    const until = Math.min(untilUtcMs, toUtcMs)
    if (until <= fromUtcMs) return noMicroUsd
    return costOf(microUsdPerHour, Math.max(until - fromUtcMs, flatMinimumMs))
  }
  return minus(accrued(range.toUtcMs), accrued(range.fromUtcMs))
}

const flatMinimumMs = 60_000

/** SUSE's operation: sold by the started hour. */
export const suseOperation = "RunInstances:000g"

/** What has accrued by the range's end, less what had by its beginning: the days of a run sum up to its cost exactly. */
function within(range: Range, accruedUntil: (utcMs: UtcMs) => MicroUsd | null): MicroUsd | null {
  const after = accruedUntil(range.toUtcMs)
  if (after === null || range.fromUtcMs === Number.NEGATIVE_INFINITY) return after
  const before = accruedUntil(range.fromUtcMs)
  return before === null ? null : minus(after, before)
}

/** What of the run `[from, to)` is charged by `untilUtcMs`: before it begins nothing, and when it does its minimum. */
function accrued(
  { book, billing }: Tariff,
  offer: Run,
  run: Range,
  untilUtcMs: UtcMs,
  bound: keyof Bounds,
): MicroUsd | null {
  if (untilUtcMs <= run.fromUtcMs) return noMicroUsd
  const ms = billedMs(billing, offer.usageOperation, Math.min(untilUtcMs, run.toUtcMs) - run.fromUtcMs)
  if (changesOf(book, offer).length === 0) {
    const microUsdPerHour = priceAt(book, offer, run.fromUtcMs, bound)
    return microUsdPerHour === null ? null : costOf(microUsdPerHour, ms)
  }
  let product = 0n
  for (const segment of pricesOver(book, offer, run.fromUtcMs, later(run.fromUtcMs, ms), bound)) {
    if (segment === null) return null
    product += BigInt(segment.microUsdPerHour) * BigInt(segment.ms)
  }
  return fromHourly(product)
}

/** How much of a run is charged once it has lasted `ms`; a started one is never free. */
export function billedMs({ granularity, minimumMs }: Billing, usageOperation: string, ms: number): number {
  if (granularity === "second" && usageOperation !== suseOperation) return Math.max(ms, minimumMs)
  return Math.max(1, Math.ceil(ms / msPerHour)) * msPerHour
}

interface Segment {
  microUsdPerHour: MicroUsd
  ms: number
}

/** The prices in force from `fromUtcMs` to `toUtcMs`, one after the other; null where one is not known. */
function* pricesOver(
  book: PriceBook,
  offer: Run,
  fromUtcMs: UtcMs,
  toUtcMs: UtcMs,
  bound: keyof Bounds,
): Generator<Segment | null> {
  const changes = changesOf(book, offer)
  let at = fromUtcMs
  while (at < toUtcMs) {
    const now = at
    const next = changes.find((change) => change.fromUtcMs > now)?.fromUtcMs ?? toUtcMs
    const until = earliestOf(next, toUtcMs)
    const microUsdPerHour = priceAt(book, offer, at, bound)
    yield microUsdPerHour === null ? null : { microUsdPerHour, ms: until - at }
    at = until
  }
}

export function changesOf(book: PriceBook, offer: Run): readonly KeptPrice[] {
  const { region, zone, instanceType, usageOperation } = offer
  const kept = book.kept(region, instanceType, usageOperation || linuxOperation)
  if (offer.market === "on-demand") return kept
  const spot = book.spot(zone, instanceType, usageOperation || linuxOperation)
  if (kept.length === 0) return spot
  return [...kept, ...spot].sort((a, b) => a.fromUtcMs - b.fromUtcMs)
}

/**
 * The hourly price at one moment: of spot by the zone's history. Where there is none, it is taken to be the on-demand price times
 * the factor, and at the most the on-demand price, which is the highest maximum that is ever sent. What only the old tools recorded
 * has one price.
 */
function priceAt(
  book: PriceBook,
  offer: Pick<Run, "region" | "zone" | "instanceType" | "usageOperation" | "market" | "isOld">,
  atUtcMs: UtcMs,
  bound: keyof Bounds,
): MicroUsd | null {
  if (offer.market === "spot") {
    const history = book.spot(offer.zone, offer.instanceType, offer.usageOperation || linuxOperation)
    const inForce = history.findLast(({ fromUtcMs }) => fromUtcMs <= atUtcMs)
    if (inForce) return inForce.microUsdPerHour
  }
  const onDemand = onDemandPrice(book, offer, atUtcMs)
  if (onDemand === null) return null
  const { microUsdPerHour } = onDemand
  if (offer.market !== "spot" || (bound === "highest" && !offer.isOld && book.spotFactor < 1))
    return microUsdPerHour
  return spotEstimate(book, microUsdPerHour)
}

function lasts({ fromUtcMs, toUtcMs }: Range): number {
  return toUtcMs - fromUtcMs
}
