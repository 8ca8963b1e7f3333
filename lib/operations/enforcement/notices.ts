/** What a student is told by whichever of our tools runs next. */
import type { LaunchDeps } from "../launches/deps.ts"
import { staleness } from "../usage/staleness.ts"

type NoticeDeps = Pick<LaunchDeps, "usageDb" | "caller" | "clock">

/**
 * Lines for the caller, and one where usage is not being recorded. Never fails: what keeps the database from being read is
 * said once, by the work that comes next and needs it too.
 */
export function pendingNotices(deps: NoticeDeps & Pick<LaunchDeps, "config">): string[] {
  try {
    const stale = staleness(deps.usageDb, deps.config, deps.clock)
    return stale === null ? noticesFor(deps) : [...noticesFor(deps), stale]
  } catch {
    return []
  }
}

/** Lines for the caller alone. Never fails, as above. */
export function noticesOrNone(deps: NoticeDeps): string[] {
  try {
    return noticesFor(deps)
  } catch {
    return []
  }
}

/** Each is shown once. */
function noticesFor({ usageDb, caller, clock }: NoticeDeps): string[] {
  const waiting = usageDb.notices.pending(caller.login, clock.now())
  if (waiting.length === 0) return []
  usageDb.transaction(() => {
    for (const { id } of waiting) usageDb.notices.shown(id, clock.now())
  })
  return waiting.map(({ text }) => text)
}
