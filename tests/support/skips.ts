/** What `npm test` names and counts at its end as skipped. */
import { appendFileSync } from "node:fs"

/** `what: why`. */
export function noteSkipped(line: string): void {
  if (process.env.TEST_SKIPS) appendFileSync(process.env.TEST_SKIPS, `${line}\n`)
}

/** Whether tests that need this program are skipped, which is noted: for `test.skipIf`. */
export function skipWithout(program: string): boolean {
  const missing = Bun.which(program) === null
  if (missing) noteSkipped(`tests with ${program}: it is not installed`)
  return missing
}
