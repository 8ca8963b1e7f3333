/** Spending by user and day. */
import { toUsd } from "../../base/money.ts"
import { escapeControls } from "../../base/text.ts"
import { msPerHour } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import { dayName } from "../../decisions/pricing/days.ts"
import { csvRow } from "../../decisions/reports/csv_row.ts"
import { amountOf } from "../../decisions/reports/text_form.ts"
import { type DaySum, daySumsOf, type Scope } from "./days.ts"
import { totals } from "./totals.ts"

export interface UserDay extends DaySum {
  login: string
  /** `2026-09-01`, in UTC. */
  day: string
}

/** Days on which a user was charged for something, by user and day. */
export function* userDays(usageDb: UsageDb, tariff: Tariff, scope: Scope): Generator<UserDay> {
  const logins =
    scope.login === null ? [...totals(usageDb, tariff, scope.range, scope.nowUtcMs).keys()] : [scope.login]
  for (const login of logins.toSorted()) {
    for (const [day, sum] of daySumsOf(usageDb, tariff, { ...scope, login }))
      if (sum.highest > 0 || sum.instanceMs > 0) yield { login, day: dayName(day), ...sum }
  }
}

export function* userDayLines(days: Iterable<UserDay>): Generator<string> {
  for (const { login, day, ...sum } of days)
    yield `${escapeControls(login || "(nobody)").padEnd(20)} ${day}  ${amountOf(sum)}`
}

export function* userDayCsv(days: Iterable<UserDay>): Generator<string> {
  yield "user,day,lowest_usd,highest_usd,instance_hours"
  for (const { login, day, lowest, highest, instanceMs } of days)
    yield csvRow([login, day, toUsd(lowest), toUsd(highest), hoursOf(instanceMs)])
}

export function userDayJson({ login, day, lowest, highest, instanceMs }: UserDay) {
  return {
    user: login || null,
    day,
    lowest_usd: toUsd(lowest),
    highest_usd: toUsd(highest),
    instance_hours: hoursOf(instanceMs),
  }
}

function hoursOf(instanceMs: number): number {
  return Math.round((instanceMs / msPerHour) * 100) / 100
}
