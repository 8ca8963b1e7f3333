/** A day as an option names it. */
import { UsageError } from "../base/errors.ts"
import { quoted } from "../base/text.ts"
import { isoUtc, type UtcMs, utcMsOf } from "../base/time.ts"

/** The start of a day (UTC) such as 2026-09-01. Throws UsageError. */
export function startOfNamedDay(option: string, text: string): UtcMs {
  const utcMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse takes the 31st of April for the 1st of May.
  if (!Number.isNaN(utcMs) && isoUtc(utcMsOf(utcMs)).startsWith(text)) return utcMsOf(utcMs)
  throw new UsageError("options", `${option} is ${quoted(text)}, wanted a day such as 2026-09-01`)
}
