/** Instants are UTC milliseconds since 1970 (`…_utc_ms`); the old tables hold Julian days. */

export const msPerSecond = 1000
export const msPerMinute = 60_000
export const msPerHour = 3_600_000
export const msPerDay = 86_400_000

/** The Julian day number of 1970-01-01T00:00Z (https://www.sqlite.org/lang_datefunc.html). */
const julianDayOfEpoch = 2_440_587.5

/** Where an operation gets the time from, so that tests and whole simulated terms can set it. */
export interface Clock {
  /** UTC milliseconds. */
  now(): number
  /** Waits `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A Julian day number, as the old tables hold, for UTC milliseconds. */
export function toJulianDay(utcMs: number): number {
  return utcMs / msPerDay + julianDayOfEpoch
}

/** UTC milliseconds, to the nearest one, of a Julian day number. */
export function fromJulianDay(julianDay: number): number {
  return Math.round((julianDay - julianDayOfEpoch) * msPerDay)
}

/** `2026-11-22T18:42:00Z`: ISO 8601 in UTC, to the second. */
export function isoUtc(utcMs: number): string {
  return `${new Date(utcMs).toISOString().slice(0, 19)}Z`
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
