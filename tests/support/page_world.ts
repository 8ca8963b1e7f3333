/** Ledgers with any number of users, for the page of `usage_report --html`. */
import { type MicroUsd, microUsd, microUsdOf } from "../../lib/base/money.ts"
import { later, msPerDay, msPerHour, utcMsOf } from "../../lib/base/time.ts"
import type { UsageDb } from "../../lib/db/usage_db.ts"
import { always } from "../../lib/decisions/pricing/costs.ts"
import { between, exactly } from "../../lib/decisions/usage/runs.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { htmlPage } from "../../lib/operations/reports/html_page.ts"
import { newLedger, plainRules } from "./ledger.ts"
import { workspace } from "./tools.ts"

export const pageBegin = utcMsOf(Date.UTC(2026, 8, 1))
export const pageNow = later(pageBegin, 30 * msPerDay + 11 * msPerHour)

export interface PageOptions {
  /** Null: the course's page. */
  login?: string | null
  courseBudget?: number
  prepare?: (db: UsageDb) => void
}

/** The page of a course whose users spent more the higher their number; every seventh has an instance that runs. */
export function pageWith(users: number, { login = null, courseBudget, prepare }: PageOptions = {}): string {
  const course = workspace()
  if (courseBudget !== undefined) course.configure({ limits: { course_budget: courseBudget } })
  const db = newLedger()
  db.transaction(() => {
    for (let user = 0; user < users; user++) addUser(db, user, users)
  })
  prepare?.(db)
  const scope = { login, range: always, nowUtcMs: pageNow }
  const page = htmlPage(db, db.prices.tariff(plainRules), loadConfig(course.configPath), scope)
  db.close()
  course.remove()
  return page
}

export function loginOf(user: number): string {
  return `cs61c-${user.toString(26).padStart(3, "0")}`
}

function addUser(db: UsageDb, user: number, users: number): void {
  const login = loginOf(user)
  const common = { instanceType: "m1.small", market: "on-demand" as const, region: "us-east-1", zone: "" }
  const rest = { usageOperation: "RunInstances", publicIpv4: false }
  // Up to 700 hours, more than the budget of $100 pays for.
  const hours = Math.round((700 * (user + 1)) / users)
  const runs = 3
  for (let run = 0; run < runs; run++) {
    const start = later(pageBegin, ((user * 7 + run * 11) % 17) * msPerDay + run * msPerHour)
    const end = later(start, (hours / runs) * msPerHour)
    db.ledger.addRun(null, {
      ...{ instanceId: `i-${user}-${run}`, login, ...common, ...rest },
      instanceType: "m1.large",
      start: exactly(start, "observed"),
      end: user % 5 === 0 ? between(end, later(end, msPerHour), "vanished") : exactly(end, "reason"),
      ...{ seenUtcMs: end, endedByEc2: false },
    })
  }
  if (user % 7 !== 0) return
  const launchedAtUtcMs = later(pageNow, -2 * msPerHour)
  const id = `i-0${user.toString(16).padStart(16, "0")}`
  const offer = { ...common, ...rest }
  db.ledger.instances.put({
    ...{ instanceId: id, login, ...offer, state: "running", keyName: `${login}-default` },
    ...{ reservationId: `r-${user}`, publicIpv4: false, launchedAtUtcMs, seenUtcMs: pageNow },
  })
  db.ledger.addRun(null, {
    ...{ instanceId: id, login, ...offer, start: exactly(launchedAtUtcMs, "observed"), end: null },
    ...{ seenUtcMs: pageNow, endedByEc2: null },
  })
  db.leases.add({
    ...{ instanceId: id, login, reservationId: `r-${user}`, keyName: `${login}-default`, ...common },
    ...{ usageOperation: "RunInstances", microUsdPerHour: microUsd(0.085) as MicroUsd },
    ...{ storageMicroUsdPerHour: microUsdOf(0), addressMicroUsdPerHour: microUsdOf(0) },
    ...{ launchedAtUtcMs, runStartedAtUtcMs: launchedAtUtcMs, ranBeforeMs: 0 },
    ...{ endsAtUtcMs: later(launchedAtUtcMs, 4 * msPerHour), stoppedAtUtcMs: null, endedAtUtcMs: null },
    ...{ announcedEndUtcMs: null, terminationAtUtcMs: null },
  })
}
