/** What ec2_active shows, in tables. */
import { type activeTables, howToEnd } from "../operations/launches/active_report.ts"
import { type Stored, storedHeader, storedRows, storedSummary } from "../operations/storage/own_storage.ts"
import { tableLines } from "./table.ts"

/** As the old tool laid it out. */
export function activeLines(
  login: string,
  { instances, spotRequests }: ReturnType<typeof activeTables>,
): string[] {
  return [
    `Username: ${login}`,
    ...tableLines(instances.header, instances.rows),
    `${instances.rows.length} instances`,
    ...tableLines(spotRequests.header, spotRequests.rows),
    `${spotRequests.rows.length} spot requests`,
    ...howToEnd,
  ]
}

export function storedLines(stored: readonly Stored[]): string[] {
  const table = stored.length > 0 ? tableLines(storedHeader, storedRows(stored)) : []
  return [...table, storedSummary(stored)]
}
