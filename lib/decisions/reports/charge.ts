/** One line of what somebody is charged for, before it is summed up in one way or another. */
import type { Market } from "../../base/instance.ts"
import type { MicroUsd } from "../../base/money.ts"
import { msPerHour, type UtcMs } from "../../base/time.ts"
import {
  type Bounds,
  billedMs,
  costOfAddress,
  costOfRun,
  extremes,
  type Range,
  type Tariff,
} from "../pricing/costs.ts"
import { linuxOperation } from "../pricing/embedded_prices.ts"
import { costOfFlatRate, type FlatRateCharge } from "../pricing/flat_rate_charges.ts"
import {
  onDemandPrice,
  type PriceSource,
  publicIpv4MicroUsdPerHour,
  spotEstimate,
  storagePriceSource,
} from "../pricing/prices.ts"
import type { Instant, Run } from "../usage/runs.ts"

export interface Charge {
  /** "" is nobody's. */
  login: string
  kind: "instance" | FlatRateCharge["kind"]
  /** The instance's, volume's or address's id. */
  id: string
  /** The instance's type; of what is no instance its description. */
  what: string
  market: Market
  region: string
  zone: string
  usageOperation: string
  start: Instant
  /** Null while it lasts. */
  end: Instant | null
  /** How long it was, or may at the longest have been, used in the range. */
  ms: number
  /** The hours that are charged at the most. */
  hours: number
  /** Null: no price is known. */
  cost: Bounds | null
  /** What an hour costs at its start; null where that is not known. */
  microUsdPerHour: MicroUsd | null
  priceSource: PriceSource | null
  /** Only the old tools recorded it. */
  isOld?: true
}

/** An instance's run, and its address beside it where it has one, as far as they fall into `range`. */
export function chargesOfRun(tariff: Tariff, run: Run, nowUtcMs: UtcMs, range: Range): Charge[] {
  const { login, instanceId: id, market, region, zone, usageOperation, start, end } = run
  const { longest } = extremes(run, nowUtcMs, tariff.billing)
  const ms = overlap(longest, range)
  const common = { login, id, market, region, zone, usageOperation, start, end, ms }
  const instance: Charge = {
    ...common,
    kind: "instance",
    what: run.instanceType,
    cost: costOfRun(tariff, run, nowUtcMs, range),
    hours: billedMs(tariff.billing, usageOperation, ms) / msPerHour,
    ...priceAtStart(tariff, run),
  }
  const address = costOfAddress(tariff, run, nowUtcMs, range)
  if (address.highest === 0) return [instance]
  return [
    instance,
    {
      ...common,
      kind: "address",
      what: "public IPv4",
      market: "on-demand",
      hours: ms / msPerHour,
      cost: address,
      microUsdPerHour: publicIpv4MicroUsdPerHour,
      priceSource: "embedded",
    },
  ]
}

export function chargeOfFlatRate(flatRate: FlatRateCharge, nowUtcMs: UtcMs, range: Range): Charge {
  const { login, kind, flatRateId: id, description: what, region, microUsdPerHour } = flatRate
  const endEarliestUtcMs = flatRate.endEarliestUtcMs ?? nowUtcMs
  const endLatestUtcMs = flatRate.endLatestUtcMs ?? nowUtcMs
  const ms = overlap({ fromUtcMs: flatRate.startEarliestUtcMs, toUtcMs: endLatestUtcMs }, range)
  return {
    login,
    kind,
    id,
    what,
    market: "on-demand",
    region,
    zone: "",
    usageOperation: "",
    start: {
      earliestUtcMs: flatRate.startEarliestUtcMs,
      latestUtcMs: flatRate.startLatestUtcMs,
      evidence: "observed",
    },
    end:
      flatRate.endLatestUtcMs === null
        ? null
        : { earliestUtcMs: endEarliestUtcMs, latestUtcMs: endLatestUtcMs, evidence: "observed" },
    ms,
    hours: ms / msPerHour,
    cost: costOfFlatRate(flatRate, nowUtcMs, range),
    microUsdPerHour,
    priceSource: sourceOf(flatRate),
  }
}

function sourceOf({ kind, microUsdPerHour, region, priceSource }: FlatRateCharge): PriceSource | null {
  if (microUsdPerHour === null) return null
  return kind === "address" ? "embedded" : (priceSource ?? storagePriceSource(region, ""))
}

function priceAtStart(
  { book }: Tariff,
  { market, zone, instanceType, region, usageOperation, start }: Run,
): Pick<Charge, "microUsdPerHour" | "priceSource"> {
  const at = start.latestUtcMs
  if (market === "spot") {
    const history = book.spot(zone, instanceType, usageOperation || linuxOperation)
    const inForce = history.findLast(({ fromUtcMs }) => fromUtcMs <= at)
    if (inForce) return { microUsdPerHour: inForce.microUsdPerHour, priceSource: "spot history" }
  }
  const onDemand = onDemandPrice(book, { instanceType, region, usageOperation }, at)
  if (!onDemand) return { microUsdPerHour: null, priceSource: null }
  const { microUsdPerHour, source } = onDemand
  return market === "spot"
    ? { microUsdPerHour: spotEstimate(book, microUsdPerHour), priceSource: "spot factor" }
    : { microUsdPerHour, priceSource: source }
}

function overlap(run: Range, range: Range): number {
  return Math.max(0, Math.min(run.toUtcMs, range.toUtcMs) - Math.max(run.fromUtcMs, range.fromUtcMs))
}
