/** What a report is asked about: whose, over which time. */

import type { Config } from "../../base/config.ts"
import { Refused, UsageError } from "../../base/errors.ts"
import { loginPattern } from "../../base/login.ts"
import { quoted } from "../../base/text.ts"
import { later, msPerDay, type UtcMs, utcMsOf } from "../../base/time.ts"
import { always, type Range } from "../../decisions/pricing/costs.ts"
import { termBegan } from "../../decisions/pricing/term.ts"
import type { Caller } from "../../host/caller/caller.ts"

/**
 * The login, or null for ALL. Only the config's staff may ask about anybody but themselves. The old tools took names out of keys,
 * whoever had named these: what is recorded may be asked for.
 */
export function whoseReport(
  asked: string | undefined,
  caller: Caller,
  isRecorded: (name: string) => boolean,
): string | null {
  const login = asked ?? caller.login
  if (login !== "ALL" && !loginPattern.test(login) && !(caller.isStaff && isRecorded(login))) {
    throw new UsageError("report", `${quoted(login)} is no login, wanted a login or ALL`)
  }
  if (login !== caller.login && !caller.isStaff) {
    const whose = login === "ALL" ? "everybody's usage" : `the usage of ${login}`
    throw new Refused("report", `${caller.login} may see their own usage only, not ${whose}; staff may`)
  }
  return login === "ALL" ? null : login
}

export interface RangeOptions {
  from?: string | undefined
  to?: string | undefined
  assignment?: string | undefined
}

/** Where nothing is said, the term: logins are reused. `--to` with a day includes that day. */
export function reportRange(
  { from, to, assignment }: RangeOptions,
  { course }: Pick<Config, "course">,
  nowUtcMs: UtcMs,
): Range {
  if (assignment !== undefined) {
    if (from !== undefined || to !== undefined) {
      throw new UsageError("options", "--assignment has its own dates, leave --from and --to out")
    }
    const dates = course.assignments[assignment]
    if (dates) return { fromUtcMs: dates.startUtcMs, toUtcMs: dates.endUtcMs }
    const known = Object.keys(course.assignments).join(", ") || "none"
    throw new UsageError(
      "options",
      `--assignment ${quoted(assignment)} is not in the config (there: ${known})`,
    )
  }
  if (from === undefined && to === undefined) return termOf(course, nowUtcMs)
  const range = {
    fromUtcMs: from === undefined ? always.fromUtcMs : instant("--from", from).utcMs,
    toUtcMs: to === undefined ? always.toUtcMs : endOf(instant("--to", to)),
  }
  if (range.fromUtcMs >= range.toUtcMs) throw new UsageError("options", "--from is not before --to")
  return range
}

export function hasDates({ from, to, assignment }: RangeOptions): boolean {
  return from !== undefined || to !== undefined || assignment !== undefined
}

/** What budgets count, too. */
export function termOf(course: Config["course"], nowUtcMs: UtcMs): Range {
  const fromUtcMs = termBegan(course, nowUtcMs)
  return fromUtcMs === null ? always : { ...always, fromUtcMs }
}

function instant(option: string, text: string): { utcMs: UtcMs; isDay: boolean } {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/.test(text)
  const parsed =
    isDay || isTime ? Date.parse(isDay || /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`) : Number.NaN
  const day = text.slice(0, "2026-09-30".length)
  // Date.parse takes the 31st of April for the 1st of May.
  const isReal = !Number.isNaN(parsed) && new Date(Date.parse(day)).toISOString().startsWith(day)
  if (isReal) return { utcMs: utcMsOf(parsed), isDay }
  throw new UsageError(
    "options",
    `${option} is ${quoted(text)}, wanted a UTC date such as 2026-09-30 or 2026-09-30T18:00`,
  )
}

function endOf({ utcMs, isDay }: { utcMs: UtcMs; isDay: boolean }): UtcMs {
  return later(utcMs, isDay ? msPerDay : 0)
}
