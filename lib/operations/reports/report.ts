/** usage_report: chooses what was asked for, and hands back its lines; what was asked to be a file is written. */
import { messageOf, Refused, ToolError } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { always, type Range, type Tariff } from "../../decisions/pricing/costs.ts"
import {
  type Balance,
  balanceCsv,
  balanceJson,
  balanceLines,
  sortedBalances,
} from "../../decisions/reports/balance.ts"
import type { BudgetState } from "../../decisions/reports/budget_state.ts"
import { amountOf, sectionLines, sumOf, userTotalLine } from "../../decisions/reports/text_form.ts"
import { writeOutput } from "../../host/files/output_file.ts"
import { requireMember } from "../roster/access.ts"
import { observationSince } from "../usage/aws_time.ts"
import { staleness } from "../usage/staleness.ts"
import { refreshAllSums } from "../usage/sums.ts"
import { budgetJson, budgetStateOf } from "./budget_state.ts"
import { charges } from "./charges.ts"
import { periods, rangeName, unpricedIn } from "./days.ts"
import type { ReportDeps } from "./deps.ts"
import { boundsJson, lineJson } from "./json_parts.ts"
import { isOtherForm, type ReportOptions, requireOneForm } from "./options.ts"
import { periodCsv, periodJson, periodLines } from "./period_forms.ts"
import { hasDates, reportRange, whoseReport } from "./query.ts"
import { type Total, totals } from "./totals.ts"
import { sectionsOf, type UserReport, userReport } from "./user_report.ts"

export interface Report {
  lines: Iterable<string>
  /** For people, beside the report. */
  notes: string[]
  /** False where some of the input could not be read: the tool then exits with 1. */
  isComplete: boolean
  /** Of the one user whose report this is, where he has a budget. */
  budget: BudgetState | null
}

/** `say` is told at once what will take a while. */
export async function report(
  deps: ReportDeps,
  options: ReportOptions,
  say: (line: string) => void,
): Promise<Report> {
  const { usageDb, config, clock, caller } = deps
  requireMember(deps)
  requireOneForm(options)
  const login = whoseReport(
    options.user ?? (options.reconcile || options.prometheus || options.rehearse ? "ALL" : undefined),
    caller,
    usageDb.oldRows.has,
  )
  const range = reportRange(options, config, clock.now())
  const notes: string[] = []
  if (login !== null && !options.offline && options.explain === undefined)
    notes.push(...(await refresh(deps, login)))
  const stale = staleness(usageDb, config, clock)
  if (stale !== null) notes.push(stale)
  const nowUtcMs = observationSince(deps, clock.now()).toUtcMs
  const scope = { login, range: hasDates(options) ? range : countedAs(range, deps), nowUtcMs }
  const tariff = usageDb.prices.tariff(config)
  if (login !== null && login !== caller.login && !isKnown(usageDb, tariff, login, nowUtcMs))
    notes.push(`nothing is recorded of ${login}${/^all$/i.test(login) ? ", did you mean ALL?" : ""}`)
  const budget =
    login === null || hasDates(options) || isOtherForm(options)
      ? null
      : budgetStateOf({ usageDb, config, nowUtcMs }, tariff, login)
  let isComplete = true
  const lines = await linesOf()
  return { lines, notes, isComplete, budget }

  async function linesOf(): Promise<Iterable<string>> {
    if (options.explain !== undefined) {
      const { explain, explanationLines } = await import("./explain.ts")
      const explanation = explain(usageDb, tariff, { instanceId: options.explain, caller, nowUtcMs })
      return options.json ? [JSON.stringify(explanation)] : explanationLines(explanation)
    }
    if (options.reconcile !== undefined) {
      const { reconciliation } = await import("./reconcile.ts")
      const query = { sources: options.reconcile, json: options.json, nowUtcMs }
      const { lines, rowsLeftOut } = await reconciliation(deps, tariff, query)
      if (rowsLeftOut > 0) {
        notes.push(`reconcile: ${plural(rowsLeftOut, "row")} of the bill without a cost or a time left out`)
        isComplete = false
      }
      return lines
    }
    if (options.rehearse !== undefined) {
      if (caller.behindWrapper)
        throw new Refused(
          "rehearse",
          "it reads a file that the caller names: run usage_report as the account",
        )
      const { rehearsalJson, rehearsalLines, rehearsed } = await import("./rehearse.ts")
      const found = rehearsed(usageDb, { path: options.rehearse, range, nowUtcMs })
      return options.json ? [JSON.stringify(rehearsalJson(found))] : rehearsalLines(found)
    }
    if (login === null && !options.focus && (!options.csv || options.by || options.sort))
      refreshAllSums(usageDb, tariff, say)
    if (options.html !== undefined) {
      const { htmlPage } = await import("./html_page.ts")
      return toFile(options.html, htmlPage(usageDb, tariff, config, scope))
    }
    if (options.prometheus !== undefined) {
      const { metrics } = await import("./prometheus.ts")
      return toFile(options.prometheus, metrics(usageDb, tariff, config, scope), { shared: true })
    }
    if (options.focus) return (await import("./focus.ts")).focusLines(usageDb, tariff, config, scope)
    if (options.by === "user-day") {
      const { userDayCsv, userDayJson, userDayLines, userDays } = await import("./user_days.ts")
      const found = userDays(usageDb, tariff, scope)
      if (options.json) return [JSON.stringify([...found].map(userDayJson))]
      return options.csv ? userDayCsv(found) : userDayLines(found)
    }
    if (options.by === "section") {
      const { sectionsSpent } = await import("./sections_spent.ts")
      const found = sectionsSpent(usageDb, tariff, scope)
      if (options.csv) return periodCsv(found)
      return options.json ? [JSON.stringify(found.map(periodJson))] : periodLines(login, range, found)
    }
    if (options.by) {
      const found = periods(usageDb, tariff, scope, options.by, config.course.assignments)
      const unpriced = unpricedIn(usageDb, tariff, scope)
      if (unpriced > 0) notes.push(`${plural(unpriced, "charge")} without a price, in none of these sums`)
      if (options.csv) return periodCsv(found)
      return options.json ? [JSON.stringify(found.map(periodJson))] : periodLines(login, range, found)
    }
    if (options.sort) {
      const { balancesOf } = await import("./balances.ts")
      const sorted = sortedBalances(balancesOf(usageDb, tariff, config, scope), options.sort)
      return balanceForm(sorted, options, range)
    }
    if (options.csv) return (await import("./csv.ts")).csvLines(charges(usageDb, tariff, scope))
    if (login !== null) {
      const found = userReport(usageDb, tariff, { ...scope, login })
      if (options.json) return [JSON.stringify(userJson(found, range, budget))]
      // Programs read the heading of a report without dates as the old tool wrote it.
      return userLines(found, hasDates(options) ? rangeName(range) : "")
    }
    const found = totals(usageDb, tariff, scope.range, nowUtcMs)
    return options.json ? [JSON.stringify(totalsJson(found, range))] : totalLines(found)
  }

  function toFile(path: string, text: string, how: { shared?: boolean } = {}): string[] {
    if (path === "-") return [text.trimEnd()]
    writeOutput(deps, path, text, how)
    return []
  }
}

/** Returns the warnings of what did not work: then the database alone answers. */
async function refresh(deps: ReportDeps, login: string): Promise<string[]> {
  const { settleReservations } = await import("../launches/settle.ts")
  const { refreshUser } = await import("../usage/refresh.ts")
  try {
    await settleReservations(deps)
    const silent = await refreshUser(deps, login)
    return silent.map(({ reason }) => `from the database alone: ${reason}`)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    return [`from the database alone: ${messageOf(error)}`]
  }
}

/** A term that nothing is older than is all time, and by hours its old rows are counted as the old tool counted them. */
function countedAs(term: Range, { usageDb, config }: Pick<ReportDeps, "usageDb" | "config">): Range {
  if (term === always || config.billing.granularity !== "hour") return term
  return (usageDb.ledger.firstStart() ?? term.fromUtcMs) >= term.fromUtcMs ? always : term
}

/** Whether there is anything at all: a name misspelt looks like somebody who has spent nothing. */
function isKnown(usageDb: UsageDb, tariff: Tariff, login: string, nowUtcMs: UtcMs): boolean {
  for (const _ of charges(usageDb, tariff, { login, range: always, nowUtcMs })) return true
  return usageDb.spotRequests.open(login).length > 0
}

function userLines(found: UserReport, dates: string): string[] {
  return [
    `Usage report for ${found.login}${dates}:`,
    ...sectionsOf(found).flatMap(sectionLines),
    `estimated total spending = ${amountOf(found.total)}`,
    ...(found.unpriced > 0 ? [`unpriced: ${plural(found.unpriced, "line")}, not in the total`] : []),
  ]
}

/** One line per user, nobody's instances last, and the sum. */
function totalLines(found: Map<string, Total>): string[] {
  const users = [...found].filter(([login, cost]) => login !== "" || cost.highest > 0 || cost.unpriced > 0)
  users.sort(([one], [other]) => (one === "" ? 1 : other === "" ? -1 : one < other ? -1 : 1))
  const sum = sumOf(users.map(([, cost]) => cost))
  return [
    ...users.map(([login, cost]) => userTotalLine(login, cost, cost.unpriced)),
    `(sum = ${amountOf(sum)})`,
  ]
}

function rangeJson(range: Range) {
  if (range === always) return { from: null, to: null }
  const { fromUtcMs, toUtcMs } = range
  const iso = (utcMs: UtcMs) => (Number.isFinite(utcMs) ? isoUtc(utcMs) : null)
  return { from: iso(fromUtcMs), to: iso(toUtcMs) }
}

function userJson(found: UserReport, range: Range, budget: BudgetState | null) {
  return {
    user: found.login,
    ...rangeJson(range),
    pending_spot_requests: found.pendingSpotRequests.map(lineJson),
    running: found.running.map(lineJson),
    finished: found.finished.map(lineJson),
    volumes: found.volumes.map(lineJson),
    snapshots: found.snapshots.map(lineJson),
    addresses: found.addresses.map(lineJson),
    total: { ...boundsJson(found.total), unpriced: found.unpriced },
    budget: budget && budgetJson(budget),
  }
}

function totalsJson(found: Map<string, Total>, range: Range) {
  const users = [...found]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([login, cost]) => ({ user: login || null, ...boundsJson(cost), unpriced: cost.unpriced }))
  return { ...rangeJson(range), users, total: boundsJson(sumOf([...found.values()])) }
}

/** The users of ALL in an order, with their budgets. */
function balanceForm(
  sorted: readonly Balance[],
  { top, json, csv }: ReportOptions,
  range: Range,
): Iterable<string> {
  const most = top === undefined ? null : Number(top)
  const shown = sorted.slice(0, most ?? sorted.length)
  if (csv) return balanceCsv(shown)
  if (!json) return balanceLines(sorted, most)
  const sum = boundsJson(sumOf(sorted))
  return [JSON.stringify({ ...rangeJson(range), users: shown.map(balanceJson), total: sum })]
}
