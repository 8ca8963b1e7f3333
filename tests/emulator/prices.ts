/** AWS's list prices as the emulated AWS bills them: Linux, on demand, from the published table in the fixtures. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"

const table = new Map(
  readFileSync(join(import.meta.dir, "../fixtures/ec2-linux-on-demand-us-east-1.csv"), "utf8")
    .split("\n")
    .filter((line) => /^[a-z]\S*,[\d.]+$/.test(line))
    .map((line) => line.split(",") as [string, string])
    .map(([type, usd]) => [type, Math.round(Number(usd) * 1e6)]),
)

/** Millionths of a dollar per hour. */
export function onDemandMicroUsd(type: string): number {
  return table.get(type) ?? 0
}

export function pricedTypes(): string[] {
  return [...table.keys()]
}

const spotPeriodMs = 4 * 3_600_000

/** A price that changes every four hours, between 30 % and 50 % of the list price, never the same in two zones. */
export function spotMicroUsd(type: string, zone: string, atUtcMs: UtcMs, factor = 1): number {
  const period = Math.floor(atUtcMs / spotPeriodMs)
  const share = 0.3 + 0.2 * (Number(Bun.hash(`${type} ${zone} ${period}`) % 1000n) / 1000)
  return Math.round((onDemandMicroUsd(type) * share * factor) / 100) * 100
}

/** The instants in (from, to] at which spot prices change, and `from` itself. */
export function spotChanges(fromUtcMs: UtcMs, toUtcMs: UtcMs): number[] {
  const changes = [fromUtcMs]
  for (let at = (Math.floor(fromUtcMs / spotPeriodMs) + 1) * spotPeriodMs; at < toUtcMs; at += spotPeriodMs)
    changes.push(utcMsOf(at))
  return changes
}

/** When the price in force at an instant came into force. */
export function spotPriceSince(utcMs: UtcMs): number {
  return Math.floor(utcMs / spotPeriodMs) * spotPeriodMs
}
