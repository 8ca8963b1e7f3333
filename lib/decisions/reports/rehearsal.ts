/** A term's launches against other limits: which starts would have been refused, and which runs cut short. */
import type { Limits } from "../../base/config.ts"
import { costOf, type MicroUsd, noMicroUsd, plus, total, usd } from "../../base/money.ts"
import { earliestOf, later, type UtcMs } from "../../base/time.ts"
import { objectionToType } from "../launches/launch_policy.ts"
import { add, type Bounds, costOfAddress, costOfRun, nothing, type Tariff } from "../pricing/costs.ts"
import { priceOf } from "../pricing/prices.ts"
import type { Run } from "../usage/runs.ts"

export interface RehearsedRules {
  tariff: Tariff
  limitsOf: (
    login: string,
  ) => Pick<Limits, "instanceTypes" | "images" | "maxInstances" | "maxHourlyCost" | "budget">
  courseBudget: MicroUsd | null
  leases: { defaultMs: number; maxMs: number; enforcementMs: number }
  nowUtcMs: UtcMs
}

export interface RefusedStart {
  run: Run
  because: string
  /** What it cost in truth. */
  cost: Bounds
}

export interface CutRun {
  run: Run
  endsAtUtcMs: UtcMs
  /** What it cost in truth after that. */
  cost: Bounds
}

export interface Rehearsal {
  starts: number
  refused: RefusedStart[]
  cut: CutRun[]
  /** In truth, of everything; without volumes and snapshots. */
  spent: Bounds
  /** Of `spent`, what would not have been. */
  saved: Bounds
}

interface Kept {
  run: Run
  untilUtcMs: UtcMs
  microUsdPerHour: MicroUsd
}

interface Account {
  running: Kept[]
  /** Of what has ended. */
  spent: MicroUsd
}

/**
 * Goes through the starts in their order, with what the rules would have let run. An instance whose first start is refused has no later
 * one. A start is admitted as a launch with the default lease is; a run ends with the longest lease at the latest.
 */
export function rehearse(runs: Iterable<Run>, rules: RehearsedRules): Rehearsal {
  const { tariff, leases, nowUtcMs, limitsOf, courseBudget } = rules
  const accounts = new Map<string, Account>()
  const ranMs = new Map<string, number>()
  const gone = new Set<string>()
  const result: Rehearsal = { starts: 0, refused: [], cut: [], spent: nothing, saved: nothing }
  const sorted = [...runs].sort((one, other) => one.start.earliestUtcMs - other.start.earliestUtcMs)
  for (const run of sorted) {
    if (run.login === "") continue
    result.starts++
    const atUtcMs = run.start.earliestUtcMs
    const cost = costWith(tariff, run, nowUtcMs)
    result.spent = add(result.spent, cost)
    const account = accounts.get(run.login) ?? { running: [], spent: noMicroUsd }
    closeUntil(account, atUtcMs)
    accounts.set(run.login, account)
    const price = priceOf(tariff.book, { ...run, atUtcMs })
    const because = gone.has(run.instanceId)
      ? "its launch was refused"
      : (ranMs.get(run.instanceId) ?? 0) >= leases.maxMs
        ? "it has run as long as leases allow"
        : objection(run, price, account, atUtcMs)
    if (because !== null) {
      gone.add(run.instanceId)
      result.refused.push({ run, because, cost })
      result.saved = add(result.saved, cost)
      continue
    }
    const endUtcMs = run.end?.latestUtcMs ?? nowUtcMs
    const longestMs = leases.maxMs - (ranMs.get(run.instanceId) ?? 0)
    const untilUtcMs = earliestOf(endUtcMs, later(atUtcMs, longestMs + leases.enforcementMs))
    ranMs.set(run.instanceId, (ranMs.get(run.instanceId) ?? 0) + untilUtcMs - atUtcMs)
    account.running.push({ run, untilUtcMs, microUsdPerHour: price ?? noMicroUsd })
    if (untilUtcMs < endUtcMs) {
      const after = { fromUtcMs: untilUtcMs, toUtcMs: nowUtcMs }
      const rest = add(
        costOfRun(tariff, run, nowUtcMs, after) ?? nothing,
        costOfAddress(tariff, run, nowUtcMs, after),
      )
      result.cut.push({ run, endsAtUtcMs: untilUtcMs, cost: rest })
      result.saved = add(result.saved, rest)
    }
  }
  return result

  function objection(run: Run, price: MicroUsd | null, account: Account, atUtcMs: UtcMs): string | null {
    const limits = limitsOf(run.login)
    const type = objectionToType(run.instanceType, limits)
    if (type !== null) return type
    if (price === null) return `${run.instanceType} has no known price`
    const count = account.running.length + 1
    if (count > limits.maxInstances) return `${count} instances, limit ${limits.maxInstances}`
    const hourly = total([...account.running.map(({ microUsdPerHour }) => microUsdPerHour), price])
    if (hourly > limits.maxHourlyCost) return `${usd(hourly)}/h, limit ${usd(limits.maxHourlyCost)}/h`
    const asked = costOf(price, leases.defaultMs + leases.enforcementMs)
    const own = plus(committed(account, atUtcMs), asked)
    if (limits.budget !== null && own > limits.budget) return `budget: ${usd(own)} of ${usd(limits.budget)}`
    if (courseBudget === null) return null
    const all = plus(total([...accounts.values()].map((one) => committed(one, atUtcMs))), asked)
    return all > courseBudget ? `course budget: ${usd(all)} of ${usd(courseBudget)}` : null
  }

  /** Spent, and reserved until the default leases of what runs end. */
  function committed(account: Account, atUtcMs: UtcMs): MicroUsd {
    closeUntil(account, atUtcMs)
    return account.running.reduce((sum, { run, microUsdPerHour }) => {
      const leaseMs = run.start.earliestUtcMs + leases.defaultMs + leases.enforcementMs - atUtcMs
      const accrued = costWith(tariff, { ...run, end: null, seenUtcMs: atUtcMs }, atUtcMs).highest
      return total([sum, accrued, costOf(microUsdPerHour, Math.max(0, leaseMs))])
    }, account.spent)
  }

  function closeUntil(account: Account, atUtcMs: UtcMs): void {
    const ended = account.running.filter(({ untilUtcMs }) => untilUtcMs <= atUtcMs)
    if (ended.length === 0) return
    account.running = account.running.filter(({ untilUtcMs }) => untilUtcMs > atUtcMs)
    for (const { run, untilUtcMs } of ended)
      account.spent = plus(
        account.spent,
        costWith(tariff, { ...run, end: null, seenUtcMs: untilUtcMs }, untilUtcMs).highest,
      )
  }
}

function costWith(tariff: Tariff, run: Run, nowUtcMs: UtcMs): Bounds {
  return add(costOfRun(tariff, run, nowUtcMs) ?? nothing, costOfAddress(tariff, run, nowUtcMs))
}
