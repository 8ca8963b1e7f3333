/** The old tool's report, to the letter: other programs read it. */

import type { Market } from "../../base/instance.ts"
import { type MicroUsd, microUsdOf, minus, toUsd } from "../../base/money.ts"
import { escapeControls } from "../../base/text.ts"
import { add, type Bounds, nothing } from "../pricing/costs.ts"
import type { PriceSource } from "../pricing/prices.ts"

/** Usage of one kind at one price. */
export interface UsageLine {
  hours: number
  what: string
  market: Market
  /** Null: unknown. */
  microUsdPerHour: MicroUsd | null
  cost: Bounds | null
  /** Where the price is from; null where none is known. */
  priceSource?: PriceSource | null
}

export interface Section {
  title: string
  lines: readonly UsageLine[]
}

/** `    3 hours of   m1.small (spot) @ $0.060 = $ 0.179`. */
function usageLine({ hours, what, market, microUsdPerHour, cost, priceSource }: UsageLine): string {
  const price = microUsdPerHour === null ? "unpriced" : dollars(microUsdPerHour, 5)
  const amount = cost === null ? "unpriced" : amountOf(cost)
  const how = market === "spot" ? "spot" : "demand"
  return `${String(Math.round(hours)).padStart(5)} hours of ${escapeControls(what).padStart(10)} (${how}) @ ${price} = ${amount}${priceSource === "estimate" ? " (an estimate)" : ""}`
}

/** A section's heading, its lines or `(none)`, and what they come to. */
export function sectionLines({ title, lines }: Section): string[] {
  const total = sumOf(lines.map(({ cost }) => cost))
  return [title, ...(lines.length > 0 ? lines.map(usageLine) : ["(none)"]), `Total cost ${amountOf(total)}`]
}

export function userTotalLine(login: string, cost: Bounds, unpriced: number): string {
  const note = unpriced > 0 ? ` and ${unpriced} unpriced` : ""
  return `${escapeControls(login || "(nobody)").padEnd(20)} ${amountOf(cost)}${note}`
}

/** `$12.345`, and where the bounds are a cent or more apart `$12.40–$12.71`. */
export function amountOf(cost: Bounds): string {
  return isApart(cost) ? amountRange(cost) : dollars(cost.highest, 6)
}

/** `$12.40–$12.71` in whole cents around what is known, or `$12.71` where there is nothing in between. */
export function amountRange(cost: Bounds): string {
  const cents = (amount: number) => `$${(amount / 100).toFixed(2)}`
  if (!isApart(cost)) return `$${toUsd(cost.highest).toFixed(2)}`
  return `${cents(Math.floor(cost.lowest / microUsdPerCent))}–${cents(Math.ceil(cost.highest / microUsdPerCent))}`
}

const microUsdPerCent = 10_000

function isApart({ lowest, highest }: Bounds): boolean {
  return highest - lowest >= microUsdPerCent
}

/**
 * `$%W.3f` of the binary fraction, as printf does it: the old tool's m1.small on spot cost $0.059. Where the fraction itself lies
 * half-way, which of these amounts only sixteenths do, printf takes the even digit and toFixed the greater one.
 */
function dollars(amount: MicroUsd, width: number): string {
  const isHalfWay = amount % microUsdPerMill === microUsdPerMill / 2 && Number.isInteger(16 * toUsd(amount))
  const isBelowEven = isHalfWay && Math.floor(amount / microUsdPerMill) % 2 === 0
  const shown = isBelowEven ? minus(amount, halfMill) : amount
  return `$${toUsd(shown).toFixed(3).padStart(width)}`
}

const microUsdPerMill = 1000
const halfMill = microUsdOf(microUsdPerMill / 2)

export function sumOf(costs: readonly (Bounds | null)[]): Bounds {
  return costs.reduce<Bounds>((sum, cost) => (cost ? add(sum, cost) : sum), nothing)
}
