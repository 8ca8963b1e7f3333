/** Spending by day, week or assignment as lines, CSV and JSON. */
import { toUsd } from "../../base/money.ts"
import { escapeControls } from "../../base/text.ts"
import type { Range } from "../../decisions/pricing/costs.ts"
import { csvRow } from "../../decisions/reports/csv_row.ts"
import { amountOf, sumOf } from "../../decisions/reports/text_form.ts"
import { type Period, rangeName } from "./days.ts"

export function periodLines(login: string | null, range: Range, found: Period[]): string[] {
  const sum = sumOf(found)
  return [
    `Usage of ${login ?? "ALL"}${rangeName(range)}:`,
    ...found.map(({ name, ...cost }) => `${escapeControls(name).padEnd(20)} ${amountOf(cost)}`),
    `(sum = ${amountOf(sum)})`,
  ]
}

export function* periodCsv(found: readonly Period[]): Generator<string> {
  yield "name,lowest_usd,highest_usd"
  for (const { name, lowest, highest } of found) yield csvRow([name, toUsd(lowest), toUsd(highest)])
}

export function periodJson({ name, lowest, highest }: Period) {
  return { name, lowest_usd: toUsd(lowest), highest_usd: toUsd(highest) }
}
