/** Which of usage_report's options go together: what would be passed over is refused instead. */
import { UsageError } from "../../base/errors.ts"
import type { RangeOptions } from "./query.ts"

export interface ReportOptions extends RangeOptions {
  user?: string | undefined
  offline: boolean
  by?: "day" | "week" | "assignment" | undefined
  json: boolean
  csv: boolean
  focus: boolean
  explain?: string | undefined
  html?: string | undefined
  prometheus?: string | undefined
  /** Files of one bill; undefined where none was named. */
  reconcile?: string[] | undefined
}

const forms = ["json", "csv", "focus", "html", "prometheus", "by", "explain", "reconcile"] as const
/** What these say can be said as JSON. */
const asJson: readonly string[] = ["by", "explain", "reconcile"]
const files = ["html", "prometheus", "reconcile"] as const
const ranges = ["from", "to", "assignment"] as const

export function requireOneForm(options: ReportOptions): void {
  const given = forms.filter((form) => options[form] !== undefined && options[form] !== false)
  const [one, other] = given
  const isOne = given.length <= 1 || (given.length === 2 && one === "json" && asJson.includes(other ?? ""))
  if (!isOne) {
    throw new UsageError("options", `--${one} and --${other} are two forms of a report, choose one`)
  }
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
