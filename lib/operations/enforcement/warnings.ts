/** Telling owners what is about to end: by whichever of our tools they run next, by mail, on their terminals. */

import { msPerMinute, type UtcMs } from "../../base/time.ts"
import type { Notifier } from "../../host/people/notifier.ts"
import type { LedgerDeps } from "../launches/deps.ts"

export interface Warning {
  login: string
  /** The same thing is said once. */
  about: string
  /** For the audit log: `i-0abc`. */
  what: string
  subject: string
  text: string
  /** From then on it says nothing true any more. */
  expiresAtUtcMs: UtcMs
}

/** The line for the next tool first: it is the one that always works. False where it has been said. */
export function noteWarning({ usageDb, clock }: LedgerDeps, warning: Warning): boolean {
  const { login, about, text, expiresAtUtcMs } = warning
  return usageDb.transaction(() =>
    usageDb.notices.add({ login, about, text, createdAtUtcMs: clock.now(), expiresAtUtcMs }),
  )
}

/** After that no more is mailed or written in this run. */
const sendingMs = 2 * msPerMinute

/** Last of all, when everything has ended that had to: mailers are slow, and may be dead. */
export async function sendWarnings(
  { notifier, audit, clock }: LedgerDeps & { notifier: Notifier },
  warnings: readonly Warning[],
): Promise<void> {
  const begun = clock.now()
  for (const { login, what, subject, text } of warnings) {
    const isLate = clock.now() - begun > sendingMs
    const ways = isLate ? [] : await notifier.tell(login, subject, text)
    audit.record(
      "enforcement",
      `warn ${login} about ${what}: ${[...ways, "the next tool"].join(", ")}`,
      "regardless",
    )
  }
}
