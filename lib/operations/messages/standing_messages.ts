/** Messages that no single event writes: budgets that are nearly spent, failures of cron, and a digest a day. */
import { type MicroUsd, total, toUsd } from "../../base/money.ts"
import { digestedLine, plural } from "../../base/text.ts"
import { isoUtc, later, msPerDay, msPerHour, type UtcMs, utcMsOf } from "../../base/time.ts"
import { passedPercent, staffHearFromPercent } from "../../decisions/reports/budget_state.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { budgetBegan } from "../launches/limits.ts"
import { budgetOf } from "../reports/budgets.ts"
import { termOf } from "../reports/query.ts"
import { totals } from "../reports/totals.ts"
import { hasDestinations } from "./send_messages.ts"

type StandingDeps = Pick<LedgerDeps, "config" | "usageDb" | "clock">

interface LoginSpending {
  login: string
  spent: MicroUsd
  budget: MicroUsd | null
}

/** Once for each budget and percentage that it has passed; the highest one only. And the digest, when its hour has come. */
export function noteStandings(deps: StandingDeps): void {
  if (!hasDestinations(deps)) return
  const { usageDb, config, clock } = deps
  const nowUtcMs = clock.now()
  const standings = standingsNow(deps, nowUtcMs)
  const courseSpent = total(standings.map(({ spent }) => spent))
  const course = { login: "", spent: courseSpent, budget: config.courseBudget }
  const term = termOf(config.course, nowUtcMs).fromUtcMs
  usageDb.transaction(() => {
    for (const standing of [...standings.filter(({ login }) => login !== ""), course]) {
      const percent = percentOf(standing)
      const percents = config.warnPercents.filter((one) => one >= staffHearFromPercent)
      const passed = passedPercent(standing, percents)
      if (passed === null || standing.budget === null) continue
      const whose = standing.login === "" ? "the course" : standing.login
      usageDb.messages.add({
        about: `budget of ${whose} ${passed} % of ${standing.budget} since ${term}`,
        topic: "budgets",
        text: `${whose} has spent ${dollars(standing.spent)} of ${dollars(standing.budget)} (${percent} %)`,
        createdAtUtcMs: nowUtcMs,
      })
    }
    const about = `digest ${dayText(nowUtcMs)}`
    if (hourOf(nowUtcMs) >= config.notify.digestHour && !usageDb.messages.has(about)) {
      const text = digestText(deps, standings, course, nowUtcMs)
      usageDb.messages.add({ about, topic: "digest", text, createdAtUtcMs: nowUtcMs })
    }
  })
}

/** What each login has spent of its budget; of nobody ("") too. */
export function standingsNow({ usageDb, config }: StandingDeps, nowUtcMs: UtcMs): LoginSpending[] {
  const tariff = usageDb.prices.tariff(config)
  const deps = { usageDb, config, nowUtcMs }
  return [...totals(usageDb, tariff, termOf(config.course, nowUtcMs), nowUtcMs)].map(
    ([login, { highest }]) => ({
      login,
      // A login that was given to another person counts from then.
      spent:
        usageDb.loginHolders.since(login) === 0
          ? highest
          : usageDb.ledger.spent(tariff, login, budgetBegan(deps, login, nowUtcMs), nowUtcMs).highest,
      budget: budgetOf(deps, login),
    }),
  )
}

function percentOf({ spent, budget }: LoginSpending): number | null {
  return budget === null || budget <= 0 ? null : Math.floor((100 * spent) / budget)
}

const mostShown = 5

function digestText(
  deps: StandingDeps,
  standings: LoginSpending[],
  course: LoginSpending,
  nowUtcMs: UtcMs,
): string {
  const { usageDb, config } = deps
  const tariff = usageDb.prices.tariff(config)
  const today = utcMsOf(Math.floor(nowUtcMs / msPerDay) * msPerDay)
  const yesterday = { fromUtcMs: later(today, -msPerDay), toUtcMs: today }
  const spentYesterday = total(
    [...totals(usageDb, tariff, yesterday, nowUtcMs)].map(([, { highest }]) => highest),
  )
  const leases = usageDb.leases.open(null).filter(({ stoppedAtUtcMs }) => stoppedAtUtcMs === null)
  const perHour = total(leases.map(({ microUsdPerHour }) => microUsdPerHour))
  const near = standings
    .filter(({ login }) => login !== "")
    .map((standing) => ({ ...standing, percent: percentOf(standing) ?? 0 }))
    .filter(({ percent }) => percent >= staffHearFromPercent)
    .toSorted((a, b) => b.percent - a.percent)
  const share = percentOf(course)
  const freeze = usageDb.freezes.current()
  const suspended = usageDb.suspensions.all(config.course.termStartUtcMs).length
  const open = usageDb.limitRequests.open().length
  return [
    `${dayText(nowUtcMs)}: ${dollars(spentYesterday)} spent yesterday, ${dollars(course.spent)} this term${course.budget === null ? "" : ` of ${dollars(course.budget)} (${share} %)`}`,
    `running: ${plural(leases.length, "instance")} of ${plural(new Set(leases.map(({ login }) => login)).size, "login")}, ${dollars(perHour)}/h`,
    ...(near.length === 0
      ? []
      : [
          `near their budgets: ${near
            .slice(0, mostShown)
            .map(({ login, spent, percent }) => `${login} ${dollars(spent)} (${percent} %)`)
            .join(", ")}${near.length > mostShown ? ` and ${near.length - mostShown} more` : ""}`,
        ]),
    ...(freeze
      ? [`frozen since ${isoUtc(freeze.frozenAtUtcMs)} by ${freeze.frozenBy}: ${freeze.reason}`]
      : []),
    `suspended: ${suspended}; open requests: ${open}`,
  ].join("\n")
}

/** What cron could not do: once a day for each thing. */
export function noteFailures({ usageDb, clock }: StandingDeps, failures: readonly string[]): void {
  if (failures.length === 0) return
  const nowUtcMs = clock.now()
  usageDb.transaction(() => {
    for (const failure of failures) {
      const text = `usage_cron: ${digestedLine(failure, 800)}`
      usageDb.messages.add({
        about: `${dayText(nowUtcMs)} ${digestedLine(failure.replace(/\d+/g, "#"), 200)}`,
        topic: "failures",
        text,
        createdAtUtcMs: nowUtcMs,
      })
    }
  })
}

const dayText = (at: UtcMs) => isoUtc(at).slice(0, 10)
const hourOf = (at: UtcMs) => Math.floor((at % msPerDay) / msPerHour)
const dollars = (amount: MicroUsd) => `$${toUsd(amount).toFixed(2)}`
