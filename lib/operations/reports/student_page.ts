/** The page of one student: the instances, when they end, and what is left. */
import { noMicroUsd, usd } from "../../base/money.ts"
import { nothing } from "../../decisions/pricing/costs.ts"
import type { FlatRateCharge } from "../../decisions/pricing/flat_rate_charges.ts"
import type { Balance } from "../../decisions/reports/balance.ts"
import { dollarRange, dollars } from "../../decisions/reports/page_text.ts"
import { budgetBar, sortableTable, usedText } from "../../decisions/reports/user_bars.ts"
import {
  daySection,
  estimateNote,
  figure,
  instanceTable,
  minute,
  paceLine,
  rangeNote,
  runningFigure,
  type SpendingFacts,
} from "./page_parts.ts"

export interface StudentFacts extends SpendingFacts {
  login: string
  /** Null: none. */
  budget: Balance["budget"]
  /** Volumes, snapshots and addresses that outlive instances. */
  stored: FlatRateCharge[]
}

export function studentPage(facts: StudentFacts): string {
  const { balances, running, days, nowUtcMs, stored, budget, login } = facts
  const own: Balance = balances.find((one) => one.login === login) ?? {
    ...{ login, ...nothing, unpriced: 0, isEstimate: false, budget, left: budget },
  }
  const left = own.left
  const storedTable = sortableTable(
    "Volumes, snapshots and addresses that outlive instances",
    ["Id", "What", "Since", "Per hour"],
    stored.map((one) => [
      { text: one.flatRateId },
      { text: one.description },
      { text: minute(one.startEarliestUtcMs) },
      {
        text: one.microUsdPerHour === null ? "unpriced" : usd(one.microUsdPerHour),
        value: one.microUsdPerHour ?? 0,
      },
    ]),
  )
  return `<dl class="figures">
${figure("Spent", dollarRange(own), [
  own.budget === null ? "" : `${usedText(own)} ${budgetBar(own)}`,
  own.unpriced > 0 ? `and ${own.unpriced} unpriced` : "",
  paceLine(days, left, nowUtcMs),
])}
${own.budget === null ? "" : figure("Left", dollars(left ?? noMicroUsd), [running.length > 0 ? "before what the leases below still cost" : ""])}
${runningFigure(running, [])}
</dl>
${rangeNote([own])}${own.isEstimate ? estimateNote : ""}
<section aria-labelledby="users"><h2 id="users" tabindex="-1">Instances</h2>
${
  running.length === 0
    ? "<p>Nothing runs. <code>ec2-run</code> launches an instance; <code>ec2-active --quota</code> says what is left.</p>"
    : `${instanceTable("Instances by cost", running, nowUtcMs, { withOwner: false })}<p class="note"><code>ec2-active --extend ID 2h</code> moves an end, <code>ec2-active --terminate ID</code> ends an instance now.</p>`
}
${stored.length === 0 ? "" : storedTable}
</section>
${daySection(days)}`
}
