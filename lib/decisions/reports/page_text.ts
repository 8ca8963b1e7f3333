/** Amounts and texts of the page, which people read: thousands are separated, cents are whole. */
import { type MicroUsd, toUsd } from "../../base/money.ts"
import type { Bounds } from "../pricing/costs.ts"

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/** Logins, keys and reasons are other people's. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/** `$1,234.50`. */
export function dollars(amount: MicroUsd): string {
  return `$${grouped(toUsd(amount).toFixed(2))}`
}

/** `$12.40–$12.71` in whole cents around what is known, or one amount where there is less than a cent in between. */
export function dollarRange(cost: Bounds): string {
  if (!isRange(cost)) return dollars(cost.highest)
  const cents = (amount: number) => `$${grouped((amount / 100).toFixed(2))}`
  return `${cents(Math.floor(cost.lowest / microUsdPerCent))}–${cents(Math.ceil(cost.highest / microUsdPerCent))}`
}

export function isRange({ lowest, highest }: Bounds): boolean {
  return highest - lowest >= microUsdPerCent
}

const microUsdPerCent = 10_000

function grouped(decimal: string): string {
  const [whole = "", fraction] = decimal.split(".")
  const thousands = Number(whole).toLocaleString("en-US")
  return fraction === undefined ? thousands : `${thousands}.${fraction}`
}
