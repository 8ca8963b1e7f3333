/** The page of the whole course. */
import { type MicroUsd, noMicroUsd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { leftOf, sortedBalances } from "../../decisions/reports/balance.ts"
import { dollarRange, dollars, escapeHtml } from "../../decisions/reports/page_text.ts"
import { sumOf } from "../../decisions/reports/text_form.ts"
import { budgetBar, budgetMark, userBars, userTable } from "../../decisions/reports/user_bars.ts"
import {
  daySection,
  estimateNote,
  figure,
  instanceTable,
  paceLine,
  rangeNote,
  runningFigure,
  type SpendingFacts,
} from "./page_parts.ts"

/** How many users have a bar; the table has all. */
const mostBars = 20

export function coursePage(facts: SpendingFacts & { courseBudget: MicroUsd | null }): string {
  const { running, days, nowUtcMs } = facts
  const users = sortedBalances(facts.balances, "spent").filter(
    ({ login, highest, unpriced }) => login !== "" || highest > 0 || unpriced > 0,
  )
  const nothingYet =
    "<p>Nothing has been spent yet. <code>ec2-util --init</code> makes a student's account, <code>ec2-run</code> launches, and <code>usage_cron</code> records what runs; <code>doctor</code> says whether they work.</p>"
  return `${figures({ ...facts, balances: users })}
<section aria-labelledby="users"><h2 id="users" tabindex="-1">Users</h2>
${users.length === 0 ? nothingYet : usersSection(users)}
</section>
${running.length === 0 ? "" : `<section aria-labelledby="running"><h2 id="running">Instances</h2>\n${instanceTable("By cost, the dearest first", running, nowUtcMs, { withOwner: true })}</section>`}
${daySection(days)}`
}

function figures({
  balances,
  running,
  days,
  nowUtcMs,
  courseBudget,
}: Parameters<typeof coursePage>[0]): string {
  const spent = sumOf(balances)
  const ofUsers = sumOf(balances.filter(({ login }) => login !== ""))
  const left = leftOf(courseBudget, ofUsers.highest)
  const near = balances.filter((one) => budgetMark(one) === "near")
  const over = balances.filter((one) => budgetMark(one) === "over")
  const owners = new Set(running.map(({ owner }) => owner))
  const without = balances.filter(({ login, budget }) => login !== "" && budget === null).length
  return `<dl class="figures">
${figure("Spent", dollarRange(spent), [
  courseBudget === null
    ? "The course has no budget of its own: set <code>limits.course_budget</code>."
    : `of the course's ${dollars(courseBudget)}, ${dollars(left ?? noMicroUsd)} left ${budgetBar({ ...ofUsers, budget: courseBudget, left })}`,
  paceLine(days, left, nowUtcMs),
])}
${runningFigure(running, [running.length === 0 ? "Nothing runs." : `of ${plural(owners.size, "owner")}`])}
${figure("Students near their limit", String(near.length + over.length), [
  near.length + over.length === 0
    ? "Nobody has used 80% of the budget."
    : `${near.length} from 80% of the budget on, ${over.length} with nothing left`,
  without === 0 ? "" : `${plural(without, "student")} without a budget: set <code>limits.budget</code>.`,
])}
</dl>`
}

function usersSection(users: ReturnType<typeof sortedBalances>): string {
  const shown = users.slice(0, mostBars)
  const rest = users.length - shown.length
  const count = users.length.toLocaleString("en-US")
  const title =
    rest > 0
      ? `The ${mostBars} of ${count} users who have spent the most`
      : `What ${plural(users.length, "user")} spent`
  return `<p class="note">${escapeHtml(title)}. A full bar is the whole budget; from 80% on it is marked.</p>
${rangeNote(users)}
${userBars(shown, title)}
${users.some(({ isEstimate }) => isEstimate) ? estimateNote : ""}
<details><summary>${rest > 0 ? `All ${count} users` : "The figures"} in a table that can be sorted</summary>
${userTable(users)}
</details>`
}
