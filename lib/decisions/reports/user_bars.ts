/** What each user has spent, as a bar within the budget. */
import { toUsd } from "../../base/money.ts"
import { type Balance, nearShare, shareUsed } from "./balance.ts"
import { dollarRange, dollars, escapeHtml } from "./page_text.ts"

export type BudgetMark = "over" | "near" | null

/** From 80 % of the budget on; by the upper bound. */
export function budgetMark(balance: Pick<Balance, "budget" | "left">): BudgetMark {
  const share = shareUsed(balance)
  if (share === null || share < nearShare) return null
  return share >= 1 ? "over" : "near"
}

/** Said beside the colour: who does not see it reads it. */
const marks = { over: "■ used up", near: "▲ near the end" }

/** `40% of $100.00`, with a mark before it from 80 % on. */
export function usedText(balance: Balance): string {
  const { budget } = balance
  const share = shareUsed(balance)
  if (budget === null || share === null) return "no budget"
  const warning = budgetMark(balance)
  return `${warning === null ? "" : `${marks[warning]}: `}${Math.floor(100 * share)}% of ${dollars(budget)}`
}

/** A list whose bars are as long as the share of the budget; without a budget, as the share of the most that anybody has spent. */
export function userBars(balances: readonly Balance[], label: string): string {
  const most = Math.max(...balances.map(({ highest }) => highest), 1)
  const items = balances.map((balance) => {
    const { login, budget, lowest, highest } = balance
    const whole = budget === null ? most : Math.max(budget, 1)
    const percent = (part: number) => Math.min(100, (100 * part) / whole).toFixed(1)
    const warning = budgetMark(balance)
    return `<li${warning === null ? "" : ` class="${warning}"`}><span class="n">${escapeHtml(login || "(nobody)")}</span><span class="b" aria-hidden="true"><i class="u" style="width:${percent(highest)}%"></i><i style="width:${percent(lowest)}%"></i></span><span class="s">${dollarRange(balance)}, ${usedText(balance)}</span></li>`
  })
  return `<ul class="bars" aria-label="${escapeHtml(label)}">\n${items.join("\n")}\n</ul>`
}

/** One bar by itself, of the course or of a student. */
export function budgetBar(balance: Pick<Balance, "budget" | "left" | "lowest" | "highest">): string {
  const { budget, lowest, highest } = balance
  if (budget === null) return ""
  const percent = (part: number) => Math.min(100, (100 * part) / Math.max(budget, 1)).toFixed(1)
  const warning = budgetMark(balance)
  return `<span class="b${warning === null ? "" : ` ${warning}`}" aria-hidden="true"><i class="u" style="width:${percent(highest)}%"></i><i style="width:${percent(lowest)}%"></i></span>`
}

export interface Cell {
  text: string
  /** What the column is sorted by; the text itself where it is absent. */
  value?: number | string
  warning?: BudgetMark
}

/** A table whose columns a small script makes sortable. The first column names the row. `wide`: its cells do not wrap, it scrolls instead. */
export function sortableTable(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  { wide = false } = {},
): string {
  const head = header.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("")
  const cellOf = ({ text, value, warning }: Cell, index: number) => {
    const tag = index === 0 ? 'th scope="row"' : "td"
    const sort = value === undefined ? "" : ` data-v="${escapeHtml(String(value))}"`
    const mark = warning ? ` class="${warning}"` : ""
    return `<${tag}${mark}${sort}>${escapeHtml(text)}</${index === 0 ? "th" : "td"}>`
  }
  const body = rows.map((row) => `<tr>${row.map(cellOf).join("")}</tr>`).join("\n")
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}">
<table data-sortable${wide ? ' class="wide"' : ""}><caption>${escapeHtml(caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody></table></div>`
}

export function userTable(balances: readonly Balance[]): string {
  const rows = balances.map((balance): Cell[] => {
    const { login, highest, unpriced, isEstimate, budget, left } = balance
    const notes = [
      ...(unpriced > 0 ? [`and ${unpriced} unpriced`] : []),
      ...(isEstimate ? ["(in part an estimate)"] : []),
    ]
    return [
      { text: login || "(nobody)", value: login || "\uffff" },
      { text: [dollarRange(balance), ...notes].join(" "), value: highest },
      { text: budget === null ? "–" : dollars(budget), value: budget === null ? -1 : toUsd(budget) },
      { text: left === null ? "–" : dollars(left), value: left === null ? Number.MAX_SAFE_INTEGER : left },
      { text: usedText(balance), value: shareUsed(balance) ?? -1, warning: budgetMark(balance) },
    ]
  })
  return sortableTable("Every user, the most spent first", ["User", "Spent", "Budget", "Left", "Used"], rows)
}
