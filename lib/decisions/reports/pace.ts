/** How fast money goes, and when it is gone. */
import { costOf, type MicroUsd, microUsdOf } from "../../base/money.ts"
import { later, msPerDay, msPerHour, type UtcMs } from "../../base/time.ts"
import type { Bounds } from "../pricing/costs.ts"
import { dayOf } from "../pricing/days.ts"

export interface Pace {
  microUsdPerDay: MicroUsd
  /** Over so many whole days before today. */
  days: number
}

const mostDays = 7

/** By the upper bounds of the last seven whole days, or of those since the first; null before a whole day has passed. */
export function paceOf(days: ReadonlyMap<number, Bounds>, nowUtcMs: UtcMs): Pace | null {
  const today = dayOf(nowUtcMs)
  const first = Math.min(...days.keys())
  const count = Math.min(mostDays, today - first)
  if (!Number.isFinite(first) || count < 1) return null
  let sum = 0
  for (let day = today - count; day < today; day++) sum += days.get(day)?.highest ?? 0
  return { microUsdPerDay: microUsdOf(Math.round(sum / count)), days: count }
}

/** When `left` is gone at this pace; null where it never is, or not within ten years. */
export function goneAt(left: MicroUsd, { microUsdPerDay }: Pace, nowUtcMs: UtcMs): UtcMs | null {
  if (microUsdPerDay <= 0) return null
  const days = Math.max(0, left) / microUsdPerDay
  return days > 3650 ? null : later(nowUtcMs, days * msPerDay)
}

/** What goes in so many days at this pace. */
export function spentIn(days: number, { microUsdPerDay }: Pace): MicroUsd {
  return costOf(microUsdPerDay, days * msPerHour)
}
