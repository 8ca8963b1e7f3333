/** What ec2_active shows of the caller's volumes and snapshots. */
import { noMicroUsd, total, toUsd, usd } from "../../base/money.ts"
import { isoUtc } from "../../base/time.ts"
import { volumesAhead } from "../../decisions/launches/worst_case.ts"
import type { Stored } from "../../operations/storage/own_storage.ts"
import { tableLines } from "../table.ts"

export function storedLines(stored: readonly Stored[]): string[] {
  const table = stored.length > 0 ? tableLines(header, rowsOf(stored)) : []
  return [...table, summaryOf(stored)]
}

const header = ["ID", "What", "Made", "Attached to", "Price per hour"]

function rowsOf(stored: readonly Stored[]): string[][] {
  return stored.map(({ id, description, madeAtUtcMs, attachedTo, microUsdPerHour }) => [
    id,
    description,
    isoUtc(madeAtUtcMs),
    attachedTo || "-",
    microUsdPerHour === null ? "unknown" : usd(microUsdPerHour),
  ])
}

export function storedJson(stored: readonly Stored[]): object[] {
  return stored.map(({ id, description, madeAtUtcMs, attachedTo, microUsdPerHour }) => ({
    id,
    what: description,
    made: isoUtc(madeAtUtcMs),
    attached_to: attachedTo || null,
    hourly_cost: microUsdPerHour === null ? null : toUsd(microUsdPerHour),
  }))
}

/** What it all has reserved, and how to be rid of it. */
function summaryOf(stored: readonly Stored[]): string {
  const perHour = total(stored.map(({ microUsdPerHour }) => microUsdPerHour ?? noMicroUsd))
  return `${stored.length} in all: ${usd(perHour)}/h, ${usd(volumesAhead(perHour))} reserved for the next 30 days; ec2-active --delete ID... deletes`
}
