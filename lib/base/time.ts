/** Instants are UTC milliseconds since 1970 (`…_utc_ms`); the old tables hold Julian days. */

declare const instant: unique symbol
/** Milliseconds since 1970, UTC. Only this file makes them, so that a duration or a second does not pass for one. */
export type UtcMs = number & { readonly [instant]: true }

/** The instant that a clock, a database, a reply of AWS or a parsed date gives as UTC milliseconds since 1970. */
export function utcMsOf(milliseconds: number): UtcMs {
  return milliseconds as UtcMs
}

/** The instant `ms` milliseconds after `at`, or before it where `ms` is negative. */
export function later(at: UtcMs, ms: number): UtcMs {
  return (at + ms) as UtcMs
}

/** The begin of the minute that the instant lies in. */
export function minuteOf(at: UtcMs): UtcMs {
  return utcMsOf(at - (at % 60_000))
}

export function earliestOf(...instants: UtcMs[]): UtcMs {
  return Math.min(...instants) as UtcMs
}

export function latestOf(...instants: UtcMs[]): UtcMs {
  return Math.max(...instants) as UtcMs
}

export const msPerSecond = 1000
export const msPerMinute = 60_000
export const msPerHour = 3_600_000
export const msPerDay = 86_400_000

/** The Julian day number of 1970-01-01T00:00Z (https://www.sqlite.org/lang_datefunc.html). */
const julianDayOfEpoch = 2_440_587.5

/** Where an operation gets the time from, so that tests and whole simulated terms can set it. */
export interface Clock {
  now(): UtcMs
  /** Waits `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The Julian day number, as the old tables hold it, of an instant. */
export function toJulianDay(at: UtcMs): number {
  return at / msPerDay + julianDayOfEpoch
}

/** The instant of a Julian day number, to the nearest millisecond. */
export function fromJulianDay(julianDay: number): UtcMs {
  return Math.round((julianDay - julianDayOfEpoch) * msPerDay) as UtcMs
}

/** `2026-11-22T18:42:00Z`: ISO 8601 in UTC, to the second. */
export function isoUtc(at: UtcMs): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

/** `3 h 05 min`, `12 min`, `40 s`: a duration for people, rounded down. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / msPerSecond))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

const unitMs: Record<string, number> = { m: msPerMinute, h: msPerHour, d: msPerDay }

/**
 * Reads `90m`, `3h`, `1.5h`, `2d`, `1h30m` or a plain number of hours, in milliseconds; null when it is none of these or is
 * not longer than nothing.
 */
export function parseDuration(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return positive(Number(text) * msPerHour)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(m|h|d)(?:in|ours?|ays?)?\s*/gy)]
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) return null
  return positive(
    parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ""] ?? 0), 0),
  )
}

function positive(ms: number): number | null {
  return Number.isFinite(ms) && ms > 0 ? Math.round(ms) : null
}
