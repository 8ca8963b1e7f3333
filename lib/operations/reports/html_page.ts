/** One page that needs nothing else: of the whole course, or of one student. */
import type { Config } from "../../base/config.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import { pageStyle, sortScript } from "../../decisions/reports/page_style.ts"
import { escapeHtml } from "../../decisions/reports/page_text.ts"
import { haltsNow } from "../launches/halts.ts"
import { staleness } from "../usage/staleness.ts"
import { balancesOf } from "./balances.ts"
import { budgetOf } from "./budgets.ts"
import { coursePage } from "./course_page.ts"
import { daySumsOf, rangeName, type Scope } from "./days.ts"
import { runningInLedger } from "./running_now.ts"
import { studentPage } from "./student_page.ts"

/** `balances`: those of the scope, where they are known already. */
export function htmlPage(
  usageDb: UsageDb,
  tariff: Tariff,
  config: Config,
  scope: Scope,
  balances = balancesOf(usageDb, tariff, config, scope),
): string {
  const { login, nowUtcMs, range } = scope
  const facts = {
    balances,
    days: daySumsOf(usageDb, tariff, scope),
    running: runningInLedger(usageDb, tariff, login, nowUtcMs),
    nowUtcMs,
  }
  const stored =
    login === null
      ? []
      : usageDb.ledger.flatRates
          .open(login)
          .filter(({ goesWithInstance, kind }) => goesWithInstance === "" && kind !== "launch")
  const body =
    login === null
      ? coursePage({ ...facts, courseBudget: config.courseBudget })
      : studentPage({ ...facts, login, stored, budget: budgetOf({ config, usageDb, nowUtcMs }, login) })
  const title = login === null ? `EC2 spending, ${config.course.name}` : `EC2 spending of ${login}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '${digest}'">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#users">Skip to ${login === null ? "the users" : "the instances"}</a>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="note">${escapeHtml(`${config.course.name}${rangeName(range)}, as of ${isoUtc(nowUtcMs)}.`)}</p>
${alerts(usageDb, config, login, nowUtcMs)}
${body}
</main>
<script>${sortScript}</script>
</body>
</html>
`
}

/** The page's one script may run, and nothing that somebody's name or reason might bring in. */
const digest = `sha256-${new Bun.CryptoHasher("sha256").update(sortScript).digest("base64")}`

function alerts(usageDb: UsageDb, config: Config, login: string | null, nowUtcMs: UtcMs): string {
  const { freeze, suspensions } = haltsNow({ usageDb, config }, login)
  const lines = [
    staleness(usageDb, config, { now: () => nowUtcMs, sleep: async () => {} }),
    freeze &&
      `Nobody may launch: frozen since ${isoUtc(freeze.frozenAtUtcMs)} by ${freeze.frozenBy}: ${freeze.reason}`,
    ...suspensions.map(
      (one) =>
        `${one.login} is suspended since ${isoUtc(one.suspendedAtUtcMs)} by ${one.suspendedBy}: ${one.reason}`,
    ),
  ]
  return lines
    .filter((line) => line !== null)
    .map((line) => `<p class="alert" role="status">${escapeHtml(line)}</p>`)
    .join("\n")
}
