/** What ec2_active shows, in tables. */

import { plural } from "../../base/text.ts"
import { tableLines } from "../table.ts"
import { type activeTables, howToEnd } from "./active_report.ts"

/** As the old tool laid it out. */
export function activeLines(
  login: string,
  { instances, spotRequests }: ReturnType<typeof activeTables>,
): string[] {
  return [
    `Username: ${login}`,
    ...tableLines(instances.header, instances.rows),
    plural(instances.rows.length, "instance"),
    ...tableLines(spotRequests.header, spotRequests.rows),
    plural(spotRequests.rows.length, "spot request"),
    ...(instances.rows.length + spotRequests.rows.length > 0 ? howToEnd : []),
  ]
}
