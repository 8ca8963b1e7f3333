/** When a run that was seen on, and then off, ended. */
import { hasEnded, type Instance } from "../../base/instance.ts"
import { earliestOf, latestOf, msPerMinute, type UtcMs } from "../../base/time.ts"
import { between, exactly, type Instant } from "./runs.ts"
import { isHibernation, reasonDate } from "./transitions.ts"

/** EC2's clock and ours may differ by this much, and a listing may lag as much behind a call. */
export const toleranceMs = 5 * msPerMinute
/** Nothing stops, and then starts again or is terminated, within this time. */
export const quickestRestartMs = msPerMinute

/** When a run ended that was on at `onUtcMs` and is off at `offUtcMs`. */
export function endOfRun(instance: Instance, onUtcMs: UtcMs, offUtcMs: UtcMs): Instant {
  const date = reasonDate(instance)
  if (date === null || date < instance.launchedAtUtcMs) return between(onUtcMs, offUtcMs, "observed")
  // Seen on after EC2 says that it was off: our clock was wrong, then or now.
  if (date < onUtcMs - toleranceMs) return between(date, latestOf(onUtcMs, offUtcMs), "observed")
  // Billed while it writes its memory to disk, which ends unseen.
  if (isHibernation(instance)) return between(latestOf(date, onUtcMs), offUtcMs, "observed")
  return mayHideStop(instance, onUtcMs, date)
    ? between(earliestOf(onUtcMs, date), date, "reason")
    : exactly(date, "reason")
}

/** Whether it may have been stopped, unseen, before its reason's date. Spot that is bought once cannot be stopped. */
export function mayHideStop({ state, market }: Instance, onUtcMs: UtcMs, dateUtcMs: UtcMs): boolean {
  return hasEnded({ state }) && market === "on-demand" && dateUtcMs - onUtcMs >= quickestRestartMs
}
