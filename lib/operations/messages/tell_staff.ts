/** The last thing that cron does: what it found out is written down, and what waits is sent. */
import { messageOf } from "../../base/errors.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { sendMessages } from "./send_messages.ts"
import { noteFailures, noteStandings } from "./standing_messages.ts"

/** Returns lines for cron's own mail. Never throws: what failed before must be said, whatever becomes of this. */
export async function tellStaff(
  deps: Pick<LedgerDeps, "config" | "usageDb" | "clock">,
  {
    warnings,
    enforced,
    failure,
  }: { warnings: readonly string[]; enforced: { foreign: readonly string[] } | null; failure: unknown },
): Promise<string[]> {
  try {
    const failures = warnings.filter((line) => !enforced?.foreign.includes(line))
    noteFailures(deps, failure === undefined ? failures : [...failures, messageOf(failure)])
    noteStandings(deps)
    return await sendMessages(deps)
  } catch (error) {
    return failure === undefined ? [`notify: ${messageOf(error)}`] : []
  }
}
