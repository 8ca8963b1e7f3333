/** What a student is told by whichever of our tools runs next. */
import { messageOf } from "../../base/errors.ts"
import type { LaunchDeps } from "../launches/deps.ts"
import { staleness } from "../usage/staleness.ts"

type NoticeDeps = Pick<LaunchDeps, "usageDb" | "caller" | "clock">

/** Lines for the caller, and one where usage is not being recorded. Never fails: no tool stops because it has nothing to say. */
export function greetings(deps: NoticeDeps): string[] {
  try {
    const stale = staleness(deps.usageDb, deps.clock)
    return stale === null ? noticesFor(deps) : [...noticesFor(deps), stale]
  } catch (error) {
    return [`notices: ${messageOf(error)}`]
  }
}

/** Each is shown once. */
export function noticesFor({ usageDb, caller, clock }: NoticeDeps): string[] {
  const waiting = usageDb.notices.pending(caller.login, clock.now())
  if (waiting.length === 0) return []
  usageDb.transaction(() => {
    for (const { id } of waiting) usageDb.notices.shown(id, clock.now())
  })
  return waiting.map(({ text }) => text)
}
