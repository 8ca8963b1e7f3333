/**
 * What an hour costs. In this order: the config's override, the kept price in force at that time, the embedded list price.
 * There is no guess: what has no price is refused at launch and `unpriced` in reports.
 */

import type { Instance, Market } from "../../base/instance.ts"
import { type MicroUsd, microUsd, microUsdOf, times } from "../../base/money.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import { embeddedPrice, embeddedRegion, isEstimated, linuxOperation } from "./embedded_prices.ts"

/** A list price as the Price List API gave it, from the time on that it was first seen to hold. */
export interface KeptPrice {
  fromUtcMs: UtcMs
  microUsdPerHour: MicroUsd
}

/** Where prices come from. The functions ask the database, and may remember. */
export interface PriceBook {
  /** `[prices.on_demand]`: `TYPE` for Linux, `TYPE/OPERATION` for what else runs (`m5.large/RunInstances:0002`). */
  overrides: Readonly<Record<string, MicroUsd>>
  spotFactor: number
  /** Kept list prices, oldest first. */
  kept(region: string, instanceType: string, usageOperation: string): readonly KeptPrice[]
  /** Kept spot prices of a zone, oldest first. */
  spot(zone: string, instanceType: string, usageOperation: string): readonly KeptPrice[]
}

export interface Offer {
  instanceType: string
  region: string
  /** As EC2 shows it: `RunInstances` for Linux, `RunInstances:0002` for Windows …; "" is Linux. */
  usageOperation: string
  market: Market
}

/** `estimate`: no published figure, see docs/accounting.md. */
/** What an instance is sold as. */
export function offerOf({ type, region, usageOperation, market }: Instance): Offer {
  return { instanceType: type, region, usageOperation, market }
}

export type PriceSource = "config" | "price list" | "embedded" | "estimate" | "spot history" | "spot factor"

/**
 * US$ × 10⁻⁶ per hour of an instance running at `atUtcMs`; null where nothing is known. Spot is the on-demand price times
 * the config's factor: for what a launch reserves, and where no history is known (see `spotSegments` in costs.ts).
 */
export function priceOf(book: PriceBook, offer: Offer & { atUtcMs: UtcMs }): MicroUsd | null {
  const onDemand = onDemandPrice(book, offer, offer.atUtcMs)?.microUsdPerHour ?? null
  if (onDemand === null || offer.market === "on-demand") return onDemand
  return spotEstimate(book, onDemand)
}

/** What spot is taken to cost where its history is not known. */
export function spotEstimate(book: PriceBook, onDemand: MicroUsd): MicroUsd {
  return times(book.spotFactor, onDemand)
}

/** The on-demand price, and where it is from. */
export function onDemandPrice(
  book: PriceBook,
  { instanceType, region, usageOperation }: Omit<Offer, "market">,
  atUtcMs: UtcMs,
): { microUsdPerHour: MicroUsd; source: PriceSource } | null {
  const operation = usageOperation || linuxOperation
  const isLinux = operation === linuxOperation
  const override =
    own(book.overrides, `${instanceType}/${operation}`) ??
    (isLinux ? own(book.overrides, instanceType) : undefined)
  if (override !== undefined) return { microUsdPerHour: override, source: "config" }
  const kept = book.kept(region, instanceType, operation)
  const inForce = priceInForce(kept, atUtcMs)
  if (inForce) return { microUsdPerHour: inForce.microUsdPerHour, source: "price list" }
  const embedded = isLinux && region === embeddedRegion ? embeddedPrice(instanceType) : null
  if (embedded !== null)
    return { microUsdPerHour: embedded, source: isEstimated(instanceType) ? "estimate" : "embedded" }
  const [oldest] = kept
  return oldest ? { microUsdPerHour: oldest.microUsdPerHour, source: "price list" } : null
}

/** The last price that holds from `atUtcMs` or earlier, of prices oldest first. */
function priceInForce(prices: readonly KeptPrice[], atUtcMs: UtcMs): KeptPrice | undefined {
  return prices.findLast(({ fromUtcMs }) => fromUtcMs <= atUtcMs)
}

/** US$ per public IPv4 address and hour, in use or idle, since this day. https://aws.amazon.com/vpc/pricing/ */
export const publicIpv4MicroUsdPerHour: MicroUsd = microUsd(0.005)
export const publicIpv4BilledFromUtcMs = utcMsOf(Date.UTC(2024, 1, 1))

/**
 * US$ × 10⁻⁶ per month of what the Price List API sells in a region, as `gp3 GB-Mo`, `io2 IOPS-Mo`, `gp3 MiBps-Mo`, `snapshot GB-Mo`;
 * null where it has not been read.
 */
export type StorageList = (region: string, what: string) => MicroUsd | null
const noStorageList: StorageList = () => null
const snapshotKey = "snapshot GB-Mo"

export interface VolumeSize {
  type: string
  gib: number
  iops: number
  throughput: number
}

/** US$ per GiB, provisioned operation per second, and MiB/s, for a month; us-east-1. https://aws.amazon.com/ebs/pricing/ */
const volumeMonth: Record<string, { gib: number; iops?: number; freeIops?: number; throughput?: number }> = {
  gp3: { gib: 0.08, iops: 0.005, freeIops: 3000, throughput: 0.04 },
  gp2: { gib: 0.1 },
  io1: { gib: 0.125, iops: 0.065 },
  io2: { gib: 0.125, iops: 0.065 },
  st1: { gib: 0.045 },
  sc1: { gib: 0.015 },
  standard: { gib: 0.05 },
}
/** AWS's own example divides a month's price by 30 days. */
const hoursPerMonth = 720
const freeThroughput = 125

/**
 * What volumes cost elsewhere, about, as multiples of us-east-1's; a region not listed counts as the dearest. From memory, not from
 * a list: reports mark what is priced so as an estimate (`storagePriceSource`).
 */
const volumeFactor: Record<string, number> = {
  "us-east-1": 1,
  "us-east-2": 1,
  "us-west-2": 1,
  "us-west-1": 1.2,
  "ca-central-1": 1.1,
  "eu-west-1": 1.1,
  "eu-west-2": 1.16,
  "eu-west-3": 1.16,
  "eu-central-1": 1.19,
  "eu-north-1": 1.045,
  "ap-south-1": 1.14,
  "ap-southeast-1": 1.2,
  "ap-southeast-2": 1.2,
  "ap-northeast-1": 1.2,
}
const dearestVolumeFactor = 1.9

/**
 * US$ × 10⁻⁶ per hour of an EBS volume, attached or not, rounded up; null for a type without a list price. `iops` and
 * `throughput` 0: the type's own default.
 */
export function volumePriceOf(
  { type, gib, iops, throughput }: VolumeSize,
  region: string,
  listed: StorageList = noStorageList,
): MicroUsd | null {
  const month = own(volumeMonth, type)
  const perGib = listed(region, `${type} GB-Mo`)
  if (perGib !== null) {
    const extraIops = Math.max(0, iops - (month?.freeIops ?? 0)) * (listed(region, `${type} IOPS-Mo`) ?? 0)
    const extraThroughput =
      Math.max(0, throughput - freeThroughput) * (listed(region, `${type} MiBps-Mo`) ?? 0)
    return microUsdOf(Math.ceil((gib * perGib + extraIops + extraThroughput) / hoursPerMonth))
  }
  if (!month) return null
  const paidIops = Math.max(0, iops - (month.freeIops ?? 0)) * (month.iops ?? 0)
  const paidThroughput = Math.max(0, throughput - freeThroughput) * (month.throughput ?? 0)
  const usdPerMonth = gib * month.gib + paidIops + paidThroughput
  const factor = own(volumeFactor, region) ?? dearestVolumeFactor
  return microUsdOf(Math.ceil((microUsd(usdPerMonth) * factor) / hoursPerMonth))
}

/** US$ per GiB and month of a standard snapshot, us-east-1. https://aws.amazon.com/ebs/pricing/ */
const snapshotMonth = 0.05

/** US$ × 10⁻⁶ per hour of a snapshot of so large a volume, rounded up: the most that it can be, if every block was written. */
export function snapshotPriceOf(gib: number, region: string, listed: StorageList = noStorageList): MicroUsd {
  const perGib = listed(region, snapshotKey)
  if (perGib !== null) return microUsdOf(Math.ceil((gib * perGib) / hoursPerMonth))
  const factor = own(volumeFactor, region) ?? dearestVolumeFactor
  return microUsdOf(Math.ceil((microUsd(gib * snapshotMonth) * factor) / hoursPerMonth))
}

/** Where a volume's or, with null, a snapshot's price is from. Of what travels with the tools only us-east-1's is AWS's own. */
export function storagePriceSource(
  region: string,
  type: string | null,
  listed: StorageList = noStorageList,
): PriceSource {
  if (listed(region, type === null ? snapshotKey : `${type} GB-Mo`) !== null) return "price list"
  return region === embeddedRegion ? "embedded" : "estimate"
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}
