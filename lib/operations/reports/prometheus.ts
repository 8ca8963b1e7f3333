/** Metrics for node_exporter's textfile collector. https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Config } from "../../base/config.ts"
import { toUsd } from "../../base/money.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import type { Scope } from "./days.ts"
import { totals } from "./totals.ts"

interface Sample {
  labels: Record<string, string>
  value: number
}

export function metrics(usageDb: UsageDb, tariff: Tariff, config: Config, scope: Scope): string {
  const { ledger, snapshots } = usageDb
  const found = [...totals(usageDb, tariff, scope.range, scope.nowUtcMs)].filter(([login]) => isWanted(login))
  const running = new Map<string, number>()
  for (const { login, state } of ledger.openInstances(null)) {
    if (isWanted(login) && state !== "stopped" && state !== "stopping")
      running.set(login, (running.get(login) ?? 0) + 1)
  }
  const ofUsers = (value: (login: string, cost: (typeof found)[number][1]) => number | null): Sample[] =>
    found.flatMap(([login, cost]) => {
      const number = value(login, cost)
      return number === null ? [] : [{ labels: { user: login }, value: number }]
    })
  const budgetOf = (login: string) => {
    const budget = config.limitsOfUsers[login]?.budget ?? config.limits.budget
    return login === "" || budget === null ? null : toUsd(budget)
  }
  const snapshot = snapshots.last()
  return [
    gauge(
      "spent_lowest_dollars",
      "What a user has spent at the least.",
      ofUsers((_, cost) => toUsd(cost.lowest)),
    ),
    gauge(
      "spent_highest_dollars",
      "What a user has spent at the most.",
      ofUsers((_, cost) => toUsd(cost.highest)),
    ),
    gauge(
      "unpriced_charges",
      "Charges whose price is not known.",
      ofUsers((_, cost) => cost.unpriced),
    ),
    gauge("budget_dollars", "A user's budget per term.", ofUsers(budgetOf)),
    gauge(
      "running_instances",
      "Instances pending or running, as last known.",
      [...running].map(([user, value]) => ({ labels: { user }, value })),
    ),
    gauge(
      "last_snapshot_timestamp_seconds",
      "When the last complete snapshot was taken.",
      snapshot ? [{ labels: {}, value: snapshot.finishedUtcMs / 1000 }] : [],
    ),
  ].join("")

  function isWanted(login: string): boolean {
    return scope.login === null || scope.login === login
  }
}

function gauge(name: string, help: string, samples: Sample[]): string {
  const full = `ec2_wrappers_${name}`
  const lines = samples.map(({ labels, value }) => {
    const inside = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    return `${full}${inside.length > 0 ? `{${inside.join(",")}}` : ""} ${value}\n`
  })
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${lines.join("")}`
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
}
