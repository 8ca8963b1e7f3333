/** What a student is told by whichever of our tools runs next. */
import { messageOf } from "../../base/errors.ts"
import type { LaunchDeps } from "../launches/deps.ts"

/** Lines for the caller, each shown once. Never fails: no tool stops working because it has nothing to say. */
export function greetings({
  usageDb,
  caller,
  clock,
}: Pick<LaunchDeps, "usageDb" | "caller" | "clock">): string[] {
  try {
    const waiting = usageDb.notices.pending(caller.login, clock.now())
    if (waiting.length > 0) {
      usageDb.transaction(() => {
        for (const { id } of waiting) usageDb.notices.shown(id, clock.now())
      })
    }
    return waiting.map(({ text }) => text)
  } catch (error) {
    return [`notices: ${messageOf(error)}`]
  }
}
