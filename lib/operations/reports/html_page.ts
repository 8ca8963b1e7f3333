/** One page that needs nothing else: spending by day and by user, instances over time, what is left of each budget. */

import type { Config } from "../../base/config.ts"
import { type MicroUsd, minus, mostOf, noMicroUsd, toUsd } from "../../base/money.ts"
import { isoUtc, msPerDay } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { nothing, type Tariff } from "../../decisions/pricing/costs.ts"
import { dayName } from "../../decisions/pricing/days.ts"
import { type Bar, barChart, escapeHtml, lineChart, pageStyle, table } from "../../decisions/reports/html.ts"
import { amountRange, sumOf } from "../../decisions/reports/text_form.ts"
import { staleness } from "../usage/staleness.ts"
import { finite } from "./charges.ts"
import { type DaySum, daySumsOf, rangeName, type Scope } from "./days.ts"
import { termOf } from "./query.ts"
import { type Total, totals } from "./totals.ts"

/** How many users have a bar; the table has all. */
const mostBars = 25

export function htmlPage(usageDb: UsageDb, tariff: Tariff, config: Config, scope: Scope): string {
  const days = withGaps(daySumsOf(usageDb, tariff, scope))
  const users = usersOf(usageDb, tariff, config, scope)
  const total = sumOf(users)
  const whose = scope.login ?? "all users"
  const title = `EC2 spending of ${whose}, ${config.course.name}`
  const old = staleness(usageDb, config, { now: () => scope.nowUtcMs, sleep: async () => {} })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#users">Skip to the users</a>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(amountRange(total))} in all${escapeHtml(rangeName(scope.range))}; as of ${isoUtc(scope.nowUtcMs)}. Where a figure is a range, the true one lies in it.${users.some(({ isEstimate }) => isEstimate) ? ` ${estimateNote}` : ""}</p>
${old === null ? "" : `<p role="status">${escapeHtml(old)}</p>`}
<h2 id="days">Spending per day</h2>
${barChart("spending", "Spending per day", days.map(spendingBar), dollars)}
<details><summary>Figures by day</summary>${dayTable(days)}</details>
<h2 id="running">Running instances</h2>
${lineChart("instances", "Running instances, mean of each day", days.map(instanceBar), (count) => count.toFixed(1))}
<h2 id="users">Users</h2>
${barChart("by-user", `Spending per user${users.length > mostBars ? `, the ${mostBars} highest` : ""}`, users.slice(0, mostBars).map(userBar), dollars, { named: true })}
<h2 id="budgets">Budget left</h2>
${barChart("left", "Budget left, the lowest first", leftBars(users), dollars, { named: true })}
${userTable(users)}
</main>
</body>
</html>
`
}

const estimateNote =
  "Marked “in part an estimate” is who has volumes or snapshots in a region whose list prices usage_cron --refresh-prices has not read."

interface User extends Total {
  login: string
  /** Of what they rent something has no published price. */
  isEstimate: boolean
  /** Null: none. */
  budget: MicroUsd | null
  /** Of the budget, which counts from the term's start, at the least. */
  left: MicroUsd | null
}

function usersOf(usageDb: UsageDb, tariff: Tariff, config: Config, scope: Scope): User[] {
  const { course, limits, limitsOfUsers } = config
  const { nowUtcMs, range, login: only } = scope
  const spent = totals(usageDb, tariff, range, nowUtcMs)
  const term = termOf(course, nowUtcMs)
  const isTerm = range.fromUtcMs === term.fromUtcMs && range.toUtcMs === term.toUtcMs
  const thisTerm = isTerm ? spent : totals(usageDb, tariff, term, nowUtcMs)
  const estimated = usageDb.ledger.flatRates.loginsWithEstimates(...finite(range))
  return [...spent]
    .filter(([login]) => only === null || login === only)
    .map(([login, cost]) => {
      const budget = login === "" ? null : (limitsOfUsers[login]?.budget ?? limits.budget)
      const used = thisTerm.get(login)?.highest ?? noMicroUsd
      return {
        login,
        ...cost,
        isEstimate: estimated.has(login),
        budget,
        left: budget === null ? null : mostOf(noMicroUsd, minus(budget, used)),
      }
    })
    .sort((one, other) => other.highest - one.highest || (one.login < other.login ? -1 : 1))
}

const dollars = (usd: number) => `$${usd.toFixed(2)}`

type Day = [day: number, sum: DaySum]

/** A bar for each day, also for those on which nothing ran. */
function withGaps(days: Map<number, DaySum>): Day[] {
  const known = [...days.keys()]
  const first = known[0] ?? 0
  const count = known.length === 0 ? 0 : (known.at(-1) ?? 0) - first + 1
  // A phantom of years ago must not make a page of thousands of empty days.
  if (count > 1000) return [...days]
  const empty: DaySum = { ...nothing, instanceMs: 0 }
  return Array.from({ length: count }, (_, index) => [first + index, days.get(first + index) ?? empty])
}

function spendingBar([day, { lowest, highest }]: Day): Bar {
  return { name: dayName(day), lowest: toUsd(lowest), highest: toUsd(highest) }
}

function instanceBar([day, { instanceMs }]: Day): Bar {
  const mean = instanceMs / msPerDay
  return { name: dayName(day), lowest: mean, highest: mean }
}

function userBar({ login, lowest, highest }: User): Bar {
  return { name: login || "(nobody)", lowest: toUsd(lowest), highest: toUsd(highest) }
}

function leftBars(users: readonly User[]): Bar[] {
  return users
    .flatMap(({ login, left }) =>
      left === null ? [] : [{ name: login, lowest: toUsd(left), highest: toUsd(left) }],
    )
    .sort((one, other) => one.highest - other.highest)
    .slice(0, mostBars)
}

function dayTable(days: readonly Day[]): string {
  const rows = days.map(([day, sum]) => [
    dayName(day),
    amountRange(sum),
    (sum.instanceMs / msPerDay).toFixed(1),
  ])
  return table("Spending and running instances by day (UTC)", ["Day", "Spent", "Instances"], rows)
}

function userTable(users: readonly User[]): string {
  const amount = (micro: MicroUsd | null) => (micro === null ? "–" : dollars(toUsd(micro)))
  const rows = users.map((user) => [
    user.login || "(nobody)",
    [
      amountRange(user),
      ...(user.unpriced > 0 ? [`and ${user.unpriced} unpriced`] : []),
      ...(user.isEstimate ? ["(in part an estimate)"] : []),
    ].join(" "),
    amount(user.budget),
    amount(user.left),
  ])
  return table("Every user, the highest first", ["User", "Spent", "Budget", "Left"], rows)
}
