/** AWS's list prices that travel with the tools, so that a launch can be priced offline: Linux, us-east-1, in two tables. */
import { type MicroUsd, microUsd } from "../../base/money.ts"
import previousTable from "./prices_previous_generation.txt" with { type: "text" }
import currentTable from "./prices_us_east_1.txt" with { type: "text" }

/** The one region, and the one operation, that the tables are for. */
export const embeddedRegion = "us-east-1"
export const linuxOperation = "RunInstances"
/** The day of the tables; a price of the Price List API replaces them from its own date on. */
export const embeddedDate = "2026-07-20"

const found = new Map<string, MicroUsd | null>()

/** The list price per hour of a type on Linux in us-east-1; null where it has never had one. */
export function embeddedPrice(instanceType: string): MicroUsd | null {
  let price = found.get(instanceType)
  if (price === undefined) {
    price = priceIn(currentTable, instanceType) ?? priceIn(previousTable, instanceType)
    found.set(instanceType, price)
  }
  return price
}

/** The types that are sold today, with a list price. */
export function embeddedTypes(): string[] {
  return currentTable
    .split("\n")
    .map((line) => line.split(",", 1)[0] ?? "")
    .filter((type) => type.includes("."))
}

/** Whether its price is one that was written down from memory: AWS publishes none for it any more. */
export function isEstimated(instanceType: string): boolean {
  return priceIn(previousTable, instanceType) !== null
}

/** Looked up in the text itself: a report names a few types, and parsing all 1,367 takes a millisecond or two of a cold start. */
function priceIn(table: string, instanceType: string): MicroUsd | null {
  const row = `\n${instanceType},`
  const start = table.indexOf(row)
  if (start < 0 || instanceType === "instance_type") return null
  const [price = ""] = table.slice(start + row.length, start + row.length + 24).split("\n")
  return microUsd(Number(price))
}
