/** What one user has used, as the old tool said it: pending spot requests, running and finished instances; and their disks. */

import type { Market } from "../../base/instance.ts"
import { times } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { add, always, type Bounds, type Range, type Tariff } from "../../decisions/pricing/costs.ts"
import { priceOf } from "../../decisions/pricing/prices.ts"
import type { Charge } from "../../decisions/reports/charge.ts"
import { type Section, sumOf, type UsageLine } from "../../decisions/reports/text_form.ts"
import { refreshSums } from "../usage/sums.ts"
import { charges } from "./charges.ts"

export interface UserReport {
  login: string
  pendingSpotRequests: UsageLine[]
  running: UsageLine[]
  finished: UsageLine[]
  volumes: UsageLine[]
  snapshots: UsageLine[]
  addresses: UsageLine[]
  total: Bounds
  /** How many charges have no price. */
  unpriced: number
}

export interface ReportQuery {
  login: string
  range: Range
  nowUtcMs: UtcMs
}

export function userReport(usageDb: UsageDb, tariff: Tariff, query: ReportQuery): UserReport {
  const groups = {
    running: lines(),
    finished: lines(),
    volumes: lines(),
    snapshots: lines(),
    addresses: lines(),
  }
  const isOfAllTime = query.range === always
  const countsAsInOldDays = tariff.billing.granularity === "hour" && isOfAllTime
  for (const charge of charges(usageDb, tariff, { ...query, withoutOldEnded: isOfAllTime })) {
    if (countsAsInOldDays && charge.isOld) continue
    if (charge.kind === "volume") groups.volumes.add(lineOf(charge))
    else if (charge.kind === "snapshot") groups.snapshots.add(lineOf(charge))
    else if (charge.kind === "address") groups.addresses.add({ ...lineOf(charge), what: "IPv4" })
    else (charge.end ? groups.finished : groups.running).add(lineOf(charge))
  }
  if (isOfAllTime && !countsAsInOldDays) {
    refreshSums(usageDb, tariff, query.login)
    for (const line of usageDb.ledger.oldSums.lines(query.login)) groups.finished.add(line)
  }
  if (countsAsInOldDays) {
    for (const line of oldLines(usageDb, tariff, "pending", query)) groups.running.add(line)
    for (const line of oldLines(usageDb, tariff, "finished", query)) groups.finished.add(line)
  }
  const pendingSpotRequests = includesNow(query.range) ? pendingLines(usageDb, tariff, query) : []
  const all = [...pendingSpotRequests, ...Object.values(groups).flatMap((group) => group.all())]
  return {
    login: query.login,
    pendingSpotRequests,
    running: groups.running.all(),
    finished: groups.finished.all(),
    volumes: groups.volumes.all(),
    snapshots: groups.snapshots.all(),
    addresses: groups.addresses.all(),
    total: sumOf(all.map(({ cost }) => cost)),
    unpriced: all.filter(({ cost }) => cost === null).length,
  }
}

/** In the old tool's order; the first two are left out when empty, and so is what it did not know. */
export function sectionsOf(report: UserReport): Section[] {
  const sections: Section[] = [
    { title: "Pending spot requests:", lines: report.pendingSpotRequests },
    { title: "Running instances:", lines: report.running },
    { title: "Finished instances:", lines: report.finished },
    { title: "Volumes:", lines: report.volumes },
    { title: "Snapshots:", lines: report.snapshots },
    { title: "Public addresses:", lines: report.addresses },
  ]
  return sections.filter(({ title, lines }) => lines.length > 0 || title === "Finished instances:")
}

/** What pends has no date: it belongs where no end is named. */
export function includesNow({ toUtcMs }: Range): boolean {
  return toUtcMs === Number.POSITIVE_INFINITY
}

/** A pending request counts as one hour. */
function pendingLines(
  { spotRequests }: UsageDb,
  { book }: Tariff,
  { login, nowUtcMs }: ReportQuery,
): UsageLine[] {
  const group = lines()
  for (const { instanceType } of spotRequests.open(login)) {
    const offer = { instanceType, region: oldRegion, usageOperation: "", market: "spot" as const }
    const price = priceOf(book, { ...offer, atUtcMs: nowUtcMs })
    const cost = price === null ? null : { lowest: price, highest: price }
    group.add({ hours: 1, what: instanceType, market: "spot", microUsdPerHour: price, cost })
  }
  return group.all()
}

/** The old tools knew one region. */
const oldRegion = "us-east-1"

/** What only the old tools recorded, in the hours of the database's own views. */
export function oldLines(
  { oldRows }: UsageDb,
  { book }: Tariff,
  what: "finished" | "pending",
  { login, nowUtcMs }: { login: string | null; nowUtcMs: UtcMs },
): (UsageLine & { login: string })[] {
  return oldRows.hours(what, login).map(({ login, instanceType, market, hours }) => {
    const offer = { instanceType, region: oldRegion, usageOperation: "", market }
    const price = priceOf(book, { ...offer, atUtcMs: nowUtcMs })
    const cost = price === null || hours === null ? null : times(hours, price)
    return {
      login,
      hours: hours ?? 0,
      what: instanceType,
      market,
      microUsdPerHour: price,
      cost: cost === null ? null : { lowest: cost, highest: cost },
    }
  })
}

function lineOf({ kind, hours, what, market, microUsdPerHour, cost, priceSource }: Charge): UsageLine {
  const line = { hours, what, market, microUsdPerHour, cost }
  return kind === "volume" || kind === "snapshot" ? { ...line, priceSource } : line
}

/** Sums up what is alike: the same type, market and price; what has no cost, since its time is not known, by itself. */
function lines() {
  const byKey = new Map<string, UsageLine>()
  return {
    add(line: UsageLine): void {
      const key = [line.what, line.market, line.microUsdPerHour, line.cost === null].join("\n")
      const known = byKey.get(key)
      byKey.set(key, known ? joined(known, line) : { ...line })
    },
    all: (): UsageLine[] =>
      [...byKey.values()].sort(
        (one, other) => compare(one.what, other.what) || compare<Market>(one.market, other.market),
      ),
  }
}

function joined(one: UsageLine, other: UsageLine): UsageLine {
  const cost = one.cost && other.cost && add(one.cost, other.cost)
  return { ...one, hours: one.hours + other.hours, cost }
}

function compare<T extends string>(one: T, other: T): number {
  return one < other ? -1 : one > other ? 1 : 0
}
