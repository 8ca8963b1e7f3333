/** Which of usage_report's options go together: what would be passed over is refused instead. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { BalanceOrder } from "../../decisions/reports/balance.ts"
import type { RangeOptions } from "./query.ts"

export interface ReportOptions extends RangeOptions {
  user?: string | undefined
  offline: boolean
  by?: "day" | "week" | "assignment" | "section" | "user-day" | undefined
  sort?: BalanceOrder | undefined
  top?: string | undefined
  json: boolean
  csv: boolean
  focus: boolean
  explain?: string | undefined
  html?: string | undefined
  prometheus?: string | undefined
  /** Another config. */
  rehearse?: string | undefined
  /** Files of one bill; undefined where none was named. */
  reconcile?: string[] | undefined
}

const forms = [
  "json",
  "csv",
  "focus",
  "html",
  "prometheus",
  "by",
  "sort",
  "explain",
  "reconcile",
  "rehearse",
] as const

/** Whether something else than the plain report, or its JSON, is asked for. */
export function isOtherForm(options: ReportOptions): boolean {
  return forms.some((form) => form !== "json" && options[form] !== undefined && options[form] !== false)
}

/** What these say can be said as JSON. */
const asJson: readonly string[] = ["by", "sort", "explain", "reconcile", "rehearse"]
/** What these say can be said as CSV. */
const asCsv: readonly string[] = ["by", "sort"]
const files = ["html", "prometheus", "reconcile"] as const
const ranges = ["from", "to", "assignment"] as const

export function requireOneForm(options: ReportOptions): void {
  const given = forms.filter((form) => options[form] !== undefined && options[form] !== false)
  const [one, other = ""] = given
  const isTogether = (one === "json" && asJson.includes(other)) || (one === "csv" && asCsv.includes(other))
  const isOne = given.length <= 1 || (given.length === 2 && isTogether)
  if (!isOne) {
    throw new UsageError("options", `--${one} and --${other} are two forms of a report, choose one`)
  }
  requireSortable(options)
  requireEverybody(options)
  const unnamed = files.find((form) => [options[form]].flat().includes(""))
  if (unnamed) throw new UsageError("options", `--${unnamed} is "", wanted a file's name or -`)
  const dated = ranges.find((range) => options[range] !== undefined)
  if (options.explain !== undefined && dated)
    throw new UsageError("options", `--explain shows all runs of an instance, leave --${dated} out`)
  if (options.reconcile !== undefined && dated)
    throw new UsageError("options", `--reconcile compares the time of the export, leave --${dated} out`)
  if (options.reconcile !== undefined && options.user !== undefined && options.user !== "ALL")
    throw new UsageError("options", `--reconcile compares everybody, leave ${options.user} out`)
}

function requireEverybody({ by, user, rehearse }: ReportOptions): void {
  if (rehearse !== undefined && user !== undefined && user !== "ALL")
    throw new UsageError("options", `--rehearse goes through everybody's launches, leave ${user} out`)
  if (by === "section" && user !== "ALL")
    throw new UsageError("options", "--by section sums up everybody: usage_report ALL --by section")
}

function requireSortable({ user, sort, top }: ReportOptions): void {
  if (sort !== undefined && user !== "ALL")
    throw new UsageError("options", `--sort sorts the users of ALL: usage_report ALL --sort ${sort}`)
  if (top === undefined) return
  if (sort === undefined)
    throw new UsageError("options", "--top needs --sort: usage_report ALL --sort spent --top 20")
  if (!/^[1-9]\d{0,6}$/.test(top))
    throw new UsageError("options", `--top is ${quoted(top)}, wanted a number such as 20`)
}
