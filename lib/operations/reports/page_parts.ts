/** Parts that the course's page and a student's page share. */
import { type MicroUsd, noMicroUsd, total, toUsd, usd } from "../../base/money.ts"
import { duration, isoUtc, msPerDay, type UtcMs } from "../../base/time.ts"
import { nothing } from "../../decisions/pricing/costs.ts"
import { dayName } from "../../decisions/pricing/days.ts"
import type { Balance } from "../../decisions/reports/balance.ts"
import { type Bar, dayChart } from "../../decisions/reports/day_chart.ts"
import { goneAt, type Pace, paceOf, spentIn } from "../../decisions/reports/pace.ts"
import { dollarRange, dollars, escapeHtml, isRange } from "../../decisions/reports/page_text.ts"
import { type Cell, sortableTable } from "../../decisions/reports/user_bars.ts"
import type { DaySum } from "./days.ts"
import { isCharged, type RunningInstance } from "./running_now.ts"

export interface SpendingFacts {
  balances: Balance[]
  days: Map<number, DaySum>
  running: RunningInstance[]
  nowUtcMs: UtcMs
}

/** A figure in a frame, with what explains it. `lines` are HTML. */
export function figure(name: string, big: string, lines: readonly string[]): string {
  const rest = lines.filter((line) => line !== "").map((line) => `<dd>${line}</dd>`)
  return `<div><dt>${escapeHtml(name)}</dt><dd class="big">${escapeHtml(big)}</dd>${rest.join("")}</div>`
}

/** `About $12.40 a day over the last 7 days. At this pace …`; "" before a whole day has passed. */
export function paceLine(days: SpendingFacts["days"], left: MicroUsd | null, nowUtcMs: UtcMs): string {
  const pace = paceOf(days, nowUtcMs)
  if (pace === null) return ""
  const over = pace.days === 1 ? "yesterday" : `a day over the last ${pace.days} days`
  if (pace.microUsdPerDay === 0)
    return `Nothing was spent ${pace.days === 1 ? "yesterday" : `in the last ${pace.days} days`}.`
  return escapeHtml(`About ${dollars(pace.microUsdPerDay)} ${over}. ${projection(pace, left, nowUtcMs)}`)
}

function projection(pace: Pace, left: MicroUsd | null, nowUtcMs: UtcMs): string {
  if (left === null) return `At this pace, ${dollars(spentIn(30, pace))} in 30 days.`
  if (left <= 0) return "The budget is used up."
  const gone = goneAt(left, pace, nowUtcMs)
  return gone === null
    ? "At this pace the budget lasts for more than ten years."
    : `At this pace the budget lasts until ${isoUtc(gone).slice(0, 10)}.`
}

export function runningFigure(running: readonly RunningInstance[], lines: readonly string[]): string {
  const on = running.filter(isCharged)
  const hourly = total(on.map(({ microUsdPerHour }) => microUsdPerHour ?? noMicroUsd))
  const stopped = running.length - on.length
  return figure("Running now", String(on.length), [
    on.length === 0 ? "" : `${usd(hourly)} an hour`,
    stopped === 0 ? "" : `${stopped} more stopped`,
    ...lines,
  ])
}

/** Explains ranges where there are any on the page. */
export function rangeNote(balances: readonly Balance[]): string {
  return balances.some(isRange)
    ? `<p class="note">Where an amount is a range, the true amount lies in it: it is not known to the second when an instance started or ended. The bar's lighter part is what lies between.</p>`
    : ""
}

export const estimateNote = `<p class="note">“In part an estimate”: volumes or snapshots in a region whose list prices usage_cron --refresh-prices has not read.</p>`

/** How many instances the table has; ec2-active ALL has all. */
const mostInstances = 200

export function instanceTable(
  caption: string,
  running: readonly RunningInstance[],
  nowUtcMs: UtcMs,
  { withOwner }: { withOwner: boolean },
): string {
  const sorted = running.toSorted(
    (one, other) => (other.cost?.highest ?? 0) - (one.cost?.highest ?? 0) || (one.id < other.id ? -1 : 1),
  )
  const columns = [
    "Instance",
    ...(withOwner ? ["Owner"] : []),
    ...["Lease ends", "Cost so far", "Per hour", "Type", "State", "Since"],
  ]
  const rows = sorted.slice(0, mostInstances).map((instance): Cell[] => {
    const { id, owner, type, market, state, sinceUtcMs, untilUtcMs, microUsdPerHour, cost, kind } = instance
    const ends =
      untilUtcMs === null
        ? `none (${kind})`
        : untilUtcMs > nowUtcMs
          ? `in ${duration(untilUtcMs - nowUtcMs)} (${minute(untilUtcMs)})`
          : `ended (${minute(untilUtcMs)})`
    return [
      { text: id },
      ...(withOwner ? [{ text: owner || "(nobody)", value: owner || "\uffff" }] : []),
      { text: ends, value: untilUtcMs ?? 0 },
      { text: cost === null ? "unpriced" : dollarRange(cost), value: cost?.highest ?? 0 },
      { text: microUsdPerHour === null ? "unpriced" : usd(microUsdPerHour), value: microUsdPerHour ?? 0 },
      { text: market === "spot" ? `${type} (Spot)` : type },
      { text: state },
      { text: minute(sinceUtcMs), value: sinceUtcMs },
    ]
  })
  const more = running.length - rows.length
  const note =
    more > 0 ? `<p class="note">And ${more.toLocaleString("en-US")} more: ec2-active ALL shows all.</p>` : ""
  return sortableTable(caption, columns, rows, { wide: true }) + note
}

/** `2026-10-01 09:00 UTC`. */
export function minute(utcMs: UtcMs): string {
  return `${isoUtc(utcMs).slice(0, 16).replace("T", " ")} UTC`
}

type Day = [day: number, sum: DaySum]

/** The chart and the figures behind it; "" where nothing was spent on any day. */
export function daySection(days: SpendingFacts["days"]): string {
  const all = withGaps(days)
  const bars = all.map(([day, { lowest, highest }]): Bar => {
    return { name: dayName(day), short: shortDay(day), lowest: toUsd(lowest), highest: toUsd(highest) }
  })
  const chart = dayChart("Spending per day in US$", bars, shortDollars)
  if (chart === "") return ""
  const rows = all.map(([day, sum]): Cell[] => [
    { text: dayName(day) },
    { text: dollarRange(sum), value: sum.highest },
    { text: (sum.instanceMs / msPerDay).toFixed(1) },
  ])
  const note = all.some(([, sum]) => isRange(sum))
    ? `<p class="note">The lighter part of a bar may not have been spent: the evidence leaves it open.</p>`
    : ""
  return `<section aria-labelledby="days"><h2 id="days">Spending per day</h2>
${chart}${note}
<details><summary>Figures by day</summary>
${sortableTable("Spending and running instances by day (UTC)", ["Day", "Spent", "Instances, mean"], rows)}
</details></section>`
}

/** `Sep 1`. */
function shortDay(day: number): string {
  return new Date(day * msPerDay).toLocaleDateString("en-US", {
    timeZone: "UTC",
    month: "short",
    day: "numeric",
  })
}

function shortDollars(amount: number): string {
  return amount >= 10 || Number.isInteger(amount)
    ? `$${amount.toLocaleString("en-US", { maximumFractionDigits: 2 })}`
    : `$${amount.toFixed(amount >= 0.1 || amount === 0 ? 2 : 4)}`
}

/** A bar for each day, also for those on which nothing ran. */
function withGaps(days: SpendingFacts["days"]): Day[] {
  const known = [...days.keys()]
  const first = known[0] ?? 0
  const count = known.length === 0 ? 0 : (known.at(-1) ?? 0) - first + 1
  // A phantom of years ago must not make a page of thousands of empty days.
  if (count > 1000) return [...days]
  const empty: DaySum = { ...nothing, instanceMs: 0 }
  return Array.from({ length: count }, (_, index) => [first + index, days.get(first + index) ?? empty])
}
