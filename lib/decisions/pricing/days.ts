/** A charge by UTC days, numbered from 1970-01-01. The days of a closed charge sum up to its cost exactly. */
import { later, msPerDay, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { Run } from "../usage/runs.ts"
import { always, changesOf, extremes, type Range, type Tariff } from "./costs.ts"

export function dayOf(utcMs: UtcMs): number {
  return Math.floor(utcMs / msPerDay)
}

export function startOfDay(day: number): UtcMs {
  return utcMsOf(day * msPerDay)
}

/** `2026-11-22` of a day's number. */
export function dayName(day: number): string {
  return new Date(day * msPerDay).toISOString().slice(0, 10)
}

/** The whole days of a range, which may be none, and what it has of others: at its edges, no part longer than a day. */
export function dayParts(range: Range): { whole: Range; edges: Range[] } {
  const fromUtcMs = startOfDay(Math.ceil(range.fromUtcMs / msPerDay))
  const toUtcMs = startOfDay(Math.floor(range.toUtcMs / msPerDay))
  if (fromUtcMs > toUtcMs) return { whole: { fromUtcMs, toUtcMs: fromUtcMs }, edges: [range] }
  const edges = [
    { fromUtcMs: range.fromUtcMs, toUtcMs: fromUtcMs },
    { fromUtcMs: toUtcMs, toUtcMs: range.toUtcMs },
  ]
  return { whole: { fromUtcMs, toUtcMs }, edges: edges.filter((edge) => edge.fromUtcMs < edge.toUtcMs) }
}

/**
 * What each day has of a charge that spans `span`. `costIn` gives what falls into a range; the first day takes everything
 * before it, the last one everything after: an hour that was begun at midnight's edge is paid on the day that it was begun.
 */
export function byDay<T>(span: Range, costIn: (range: Range) => T): Map<number, T> {
  const first = dayOf(span.fromUtcMs)
  const last = Math.max(first, dayOf(later(span.toUtcMs, -1)))
  const days = new Map<number, T>()
  for (let day = first; day <= last; day++) {
    const cost = costIn({
      fromUtcMs: day === first ? always.fromUtcMs : startOfDay(day),
      toUtcMs: day === last ? always.toUtcMs : startOfDay(day + 1),
    })
    days.set(day, cost)
  }
  return days
}

/**
 * The days on which, or beside which, something begins, ends or changes its price: each other day of a run costs exactly what
 * the day before it did. A row of the old tools that runs for ever has thousands of those.
 */
export function unevenDays({ book, billing }: Tariff, run: Run, nowUtcMs: UtcMs): Set<number> {
  const { shortest, longest } = extremes(run, nowUtcMs, billing)
  const edges = [shortest, longest].flatMap(({ fromUtcMs, toUtcMs }) => [
    fromUtcMs,
    later(fromUtcMs, billing.minimumMs),
    toUtcMs,
  ])
  const changes = changesOf(book, run).map(({ fromUtcMs }) => fromUtcMs)
  return new Set([...edges, ...changes].map(dayOf).flatMap((day) => [day - 1, day, day + 1]))
}
