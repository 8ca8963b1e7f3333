/**
 * Money is integer micro-dollars (US$ × 10⁻⁶). An hourly price times a duration in milliseconds is exact as a product of
 * integers; it is divided once, and the direction of that one rounding is chosen here.
 */

declare const money: unique symbol
/** Integer millionths of a US dollar. Only this file makes them, so that dollars do not pass for them. */
export type MicroUsd = number & { readonly [money]: true }

export const microUsdPerUsd = 1_000_000
const hour = 3_600_000
const msPerHour = BigInt(hour)

/** Converts decimal dollars, as in the config or a price list, to the nearest micro-dollar. */
export function microUsd(usd: number): MicroUsd {
  return Math.round(usd * microUsdPerUsd) as MicroUsd
}

/** So many micro-dollars, as a database holds them; must be whole. */
export function microUsdOf(amount: number): MicroUsd {
  return amount as MicroUsd
}

export const noMicroUsd = 0 as MicroUsd

export function plus(one: MicroUsd, other: MicroUsd): MicroUsd {
  return (one + other) as MicroUsd
}

export function total(amounts: readonly MicroUsd[]): MicroUsd {
  return amounts.reduce(plus, noMicroUsd)
}

/** What is left of `amount` without `other`; negative where that is more. */
export function minus(amount: MicroUsd, other: MicroUsd): MicroUsd {
  return (amount - other) as MicroUsd
}

/** `count` times the same amount; a fraction that comes of it is rounded to the nearest micro-dollar. */
export function times(count: number, amount: MicroUsd): MicroUsd {
  return Math.round(count * amount) as MicroUsd
}

export function leastOf(...amounts: MicroUsd[]): MicroUsd {
  return Math.min(...amounts) as MicroUsd
}

export function mostOf(...amounts: MicroUsd[]): MicroUsd {
  return Math.max(...amounts) as MicroUsd
}

/** What `ms` milliseconds cost at an hourly price, rounded half up: what has been used. */
export function costOf(microUsdPerHour: MicroUsd, ms: number): MicroUsd {
  const doubled = 2 * microUsdPerHour * Math.round(ms) + hour
  // Below 2⁵³ numbers divide as exactly as BigInts do, in a tenth of the time.
  if (doubled >= 0 && doubled <= Number.MAX_SAFE_INTEGER) return Math.floor(doubled / (2 * hour)) as MicroUsd
  return fromHourly(BigInt(microUsdPerHour) * BigInt(Math.round(ms)))
}

/** The one rounding of what has been used: a sum of hourly micro-dollars times milliseconds, half up. */
export function fromHourly(product: bigint): MicroUsd {
  return Number((product * 2n + msPerHour) / (msPerHour * 2n)) as MicroUsd
}

/** What `ms` milliseconds cost at an hourly price, rounded up: what is reserved. */
export function costRoundedUp(microUsdPerHour: MicroUsd, ms: number): MicroUsd {
  const product = BigInt(microUsdPerHour) * BigInt(Math.ceil(ms))
  return Number((product + msPerHour - 1n) / msPerHour) as MicroUsd
}

/** `$12.40`, and with the digits it needs below a cent: `$0.085`, `$0.0116`. */
export function usd(amount: MicroUsd): string {
  const sign = amount < 0 ? "-" : ""
  const exact = (Math.abs(amount) / microUsdPerUsd).toFixed(6)
  return `${sign}$${exact.replace(/0{1,4}$/, "")}`
}

/** `$12.41`: rounded up to whole cents, for bounds. */
export function wholeCents(amount: MicroUsd): string {
  const cents = microUsdPerUsd / 100
  return usd((Math.ceil(amount / cents) * cents) as MicroUsd)
}

/** Decimal dollars, for JSON and for printf-like formats. */
export function toUsd(amount: MicroUsd): number {
  return amount / microUsdPerUsd
}
