/** AWS's list prices that travel with the tools, so that a launch can be priced offline: Linux, us-east-1, in two tables. */
import { type MicroUsd, microUsd } from "../base/money.ts"
import previousTable from "./prices_previous_generation.txt" with { type: "text" }
import currentTable from "./prices_us_east_1.txt" with { type: "text" }

/** The one region, and the one operation, that the tables are for. */
export const embeddedRegion = "us-east-1"
export const linuxOperation = "RunInstances"
/** The day of the tables; a price of the Price List API replaces them from its own date on. */
export const embeddedDate = "2026-07-20"

let previous: Map<string, MicroUsd> | undefined
let parsed: Map<string, MicroUsd> | undefined

/** The list price per hour of a type on Linux in us-east-1; null where it has never had one. */
export function embeddedPrice(instanceType: string): MicroUsd | null {
  parsed ??= new Map([...rowsOf(previousTable), ...rowsOf(currentTable)])
  return parsed.get(instanceType) ?? null
}

/** Whether its price is one that was written down from memory: AWS publishes none for it any more. */
export function isEstimated(instanceType: string): boolean {
  previous ??= new Map(rowsOf(previousTable))
  return previous.has(instanceType)
}

function rowsOf(table: string): [type: string, price: MicroUsd][] {
  return table
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("instance_type"))
    .map((line) => {
      const comma = line.indexOf(",")
      return [line.slice(0, comma), microUsd(Number(line.slice(comma + 1)))]
    })
}
