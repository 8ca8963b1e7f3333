/** What `npm test` names and counts at its end as skipped. */
import { appendFileSync } from "node:fs"

/** `what: why`. */
export function noteSkipped(line: string): void {
  if (process.env.TEST_SKIPS) appendFileSync(process.env.TEST_SKIPS, `${line}\n`)
}
