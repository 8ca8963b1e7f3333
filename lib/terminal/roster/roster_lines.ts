/** The roster, and what an import changes, for people and as JSON. */
import { type MicroUsd, toUsd, usd } from "../../base/money.ts"
import { escapeControls, plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { Dropped } from "../../db/roster/roster_changes.ts"
import type { RosterEntry } from "../../decisions/roster/roster_entry.ts"
import { entryChanges, type RosterPlan } from "../../decisions/roster/roster_plan.ts"
import type { RosterHoldings } from "../../operations/roster/roster_holdings.ts"
import { tableLines } from "../table.ts"

export type HoldingsOf = (login: string) => RosterHoldings

/** A line for each change. Names come from other people's files. */
export function rosterPlanLines(plan: RosterPlan, holdings: HoldingsOf): string[] {
  const over = new Map(plan.handedOver.map((one) => [one.login, one]))
  const anew = (login: string) =>
    over.has(login) ? `; begins anew: the person before has ${holdingsText(holdings(login))}` : ""
  return [
    ...plan.added.map((entry) => `add ${entry.login}${sectionText(entry)}${anew(entry.login)}`),
    ...plan.changed.map(
      ({ login, from, to }) => `change ${login}: ${entryChanges(from, to).join(", ")}${anew(login)}`,
    ),
    ...plan.dropped.map(({ login }) => `drop ${login}, who has ${holdingsText(holdings(login))}`),
    ...plan.keptStaff.map((login) => `keep ${login}, who is on the staff`),
  ].map(escapeControls)
}

function sectionText({ sections }: RosterEntry): string {
  return sections.length === 0 ? "" : ` (section ${sections.join(", ")})`
}

/** `2 instances (until 2026-11-22T20:16:09Z), 1 saved thing at $0.80 a month, $12.30 spent`. */
export function holdingsText({ instances, stored, storedMicroUsdPerMonth, spent }: RosterHoldings): string {
  const last = instances.toSorted((a, b) => b.leaseEndsAtUtcMs - a.leaseEndsAtUtcMs)[0]
  const running =
    last === undefined
      ? "no instances"
      : `${plural(instances.length, "instance")} (until ${isoUtc(last.leaseEndsAtUtcMs)})`
  const saved =
    stored.length === 0
      ? ""
      : `, ${plural(stored.length, "volume or snapshot", "volumes or snapshots")} at ${cents(storedMicroUsdPerMonth)} a month`
  return `${running}${saved}, ${cents(spent)} spent`
}

function cents(amount: MicroUsd): string {
  return amount > 0 && amount < 10_000 ? usd(amount) : `$${toUsd(amount).toFixed(2)}`
}

export function rosterPlanJson(plan: RosterPlan, holdings: HoldingsOf) {
  return {
    added: plan.added.map(entryJson),
    changed: plan.changed.map(({ login, from, to }) => ({ login, from: entryJson(from), to: entryJson(to) })),
    given_to_another_person: plan.handedOver.map((one) => ({ ...one, ...holdingsJson(holdings(one.login)) })),
    dropped: plan.dropped.map((one) => ({ ...one, ...holdingsJson(holdings(one.login)) })),
    kept_staff: plan.keptStaff,
    unchanged: plan.unchanged,
  }
}

export function entryJson({ login, person, sections, email, fullName }: RosterEntry) {
  return { login, person, sections, email, name: fullName }
}

export function holdingsJson({ instances, stored, storedMicroUsdPerMonth, spent }: RosterHoldings) {
  return {
    instances: instances.map(({ id, type, leaseEndsAtUtcMs }) => ({
      id,
      type,
      lease_ends: isoUtc(leaseEndsAtUtcMs),
    })),
    stored,
    stored_usd_per_month: toUsd(storedMicroUsdPerMonth),
    spent_usd: toUsd(spent),
  }
}

export function rosterTable(entries: readonly RosterEntry[]): string[] {
  return tableLines(
    ["login", "person", "section", "e-mail", "name"],
    entries.map(({ login, person, sections, email, fullName }) => [
      login,
      person,
      sections.join(", "),
      email,
      fullName,
    ]),
  )
}

export function droppedLines(dropped: readonly Dropped[], holdings: HoldingsOf): string[] {
  return dropped.map(({ login, droppedAtUtcMs }) =>
    escapeControls(
      `${login} was dropped at ${isoUtc(droppedAtUtcMs)} and has ${holdingsText(holdings(login))}`,
    ),
  )
}
