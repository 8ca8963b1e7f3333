/**
 * Puts a roster in force. The roster, the suspensions of those who are dropped, and what is to be done at AWS are one transaction;
 * finish_import.ts does the rest, now or in a later run.
 */
import { createHash } from "node:crypto"
import { Refused } from "../../base/errors.ts"
import { matchesGlob } from "../../base/login.ts"
import { plural } from "../../base/text.ts"
import { latestOf, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { RosterEntry } from "../../decisions/roster/roster_entry.ts"
import { planRoster, type RosterBefore, type RosterPlan } from "../../decisions/roster/roster_plan.ts"
import { droppedReason, handedOverReason } from "./access.ts"
import type { RosterDeps } from "./deps.ts"

type PlanDeps = Pick<RosterDeps, "config" | "usageDb" | "usersDb">

/** What importing these people would change now. */
export function planImport(
  deps: PlanDeps,
  people: readonly RosterEntry[],
  { isWhole }: { isWhole: boolean },
): RosterPlan {
  return planRoster(rosterBefore(deps), people, { isWhole })
}

function rosterBefore({ config, usageDb, usersDb }: PlanDeps): RosterBefore {
  const { accounts, staff } = config.course
  const isUsed = usageDb.roster.isUsed()
  const dropped = new Set(usageDb.rosterDrops.all().map(({ login }) => login))
  const holders = usageDb.loginHolders.current()
  const unlisted = isUsed ? [] : usersDb.users.logins().filter((login) => matchesGlob(accounts, login))
  return {
    entries: usageDb.roster.entries(),
    unlisted,
    holderOf: (login) => holders.get(login)?.person ?? null,
    isDropped: (login) => dropped.has(login),
    isStaff: (login) => matchesGlob(staff, login),
  }
}

export interface ImportOrder {
  source: string
  people: readonly RosterEntry[]
  isWhole: boolean
  /** What was shown; another plan by now is refused. */
  shown: RosterPlan
}

/** Throws Refused where the databases have changed what the import would do since it was shown. */
export function putRoster(deps: RosterDeps, { source, people, isWhole, shown }: ImportOrder): void {
  const { usageDb, caller, clock, audit } = deps
  audit.requireRoom(caller.login)
  audit.record(
    caller.login,
    `roster: import ${source}: ${summaryOf(shown)}, sha256 ${digestOf(shown.entries)}`,
  )
  usageDb.transaction(() => {
    const plan = planImport(deps, people, { isWhole })
    if (digestOf(plan) !== digestOf(shown))
      throw new Refused("roster", "somebody else has changed the roster meanwhile; look at it again")
    const nowUtcMs = clock.now()
    usageDb.roster.put(plan.entries, { source, importedBy: caller.login, importedAtUtcMs: nowUtcMs })
    if (plan.dropped.length + plan.handedOver.length > 0) {
      const text = `roster ${source}, by ${caller.login}: ${summaryOf(plan)}`
      usageDb.messages.add({ about: `${text} ${nowUtcMs}`, topic: "freezes", text, createdAtUtcMs: nowUtcMs })
    }
    for (const one of plan.dropped) drop(deps, one, nowUtcMs)
    const handedOver = new Set(plan.handedOver.map(({ login }) => login))
    for (const entry of plan.entries) admit(deps, entry, handedOver.has(entry.login), nowUtcMs)
    for (const { login, to } of plan.handedOver) handOver(deps, login, to, nowUtcMs)
  })
}

function drop(deps: RosterDeps, { login, person }: { login: string; person: string }, nowUtcMs: UtcMs): void {
  const { usageDb } = deps
  usageDb.rosterDrops.add({ login, person, droppedAtUtcMs: nowUtcMs })
  beginSuspension(deps, login, droppedReason, nowUtcMs)
  usageDb.rosterTasks.add("suspend", login, nowUtcMs)
}

/** Of somebody new to the roster or back on it. Another person's suspension is lifted once that person's things are gone. */
function admit(
  { usageDb }: RosterDeps,
  { login, person }: RosterEntry,
  isAnother: boolean,
  nowUtcMs: UtcMs,
): void {
  const [first, ...others] = usageDb.loginHolders.of(login)
  if (!first) usageDb.loginHolders.add({ login, person, sinceUtcMs: utcMsOf(0), formerOwner: "" })
  else if (others.length === 0 && first.person === "" && person !== "")
    usageDb.loginHolders.name(login, person)
  if (!usageDb.rosterDrops.isDropped(login)) return
  usageDb.rosterDrops.returned(login, nowUtcMs)
  if (!isAnother) usageDb.rosterTasks.add("lift", login, nowUtcMs)
}

/** Nothing is launched or handed out until what the person before had is gone. */
function handOver(deps: RosterDeps, login: string, person: string, nowUtcMs: UtcMs): void {
  const { usageDb } = deps
  const formerOwner = `${login}:${usageDb.loginHolders.of(login).length}`
  usageDb.loginHolders.add({ login, person, sinceUtcMs: nowUtcMs, formerOwner })
  const asked = usageDb.limitRequests.openOf(login)
  const withdrawn = { state: "withdrawn", decidedBy: deps.caller.login, decidedAtUtcMs: nowUtcMs } as const
  if (asked) usageDb.limitRequests.decide(asked.id, { ...withdrawn, answer: handedOverReason })
  beginSuspension(deps, login, handedOverReason, nowUtcMs)
  usageDb.rosterTasks.add("begin anew", login, nowUtcMs)
}

/** Staff's own suspension stays what it is. */
function beginSuspension(
  { usageDb, config, caller }: RosterDeps,
  login: string,
  reason: string,
  nowUtcMs: UtcMs,
): void {
  const term = config.course.termStartUtcMs
  if (usageDb.suspensions.current(login, term)) return
  const suspendedAtUtcMs = latestOf(nowUtcMs, term ?? utcMsOf(0))
  usageDb.suspensions.begin({ login, suspendedBy: caller.login, reason, suspendedAtUtcMs })
}

/** The people of the roster before the one in force; throws Refused where there is none. */
export function rosterBeforeThis({ usageDb }: Pick<RosterDeps, "usageDb">): {
  source: string
  people: RosterEntry[]
} {
  const [, before] = usageDb.roster.imports()
  if (!before) throw new Refused("roster", "there is no roster before this one")
  return { source: before.source, people: usageDb.roster.entriesOf(before.id) }
}

/** `3 added, 1 changed, 2 dropped, 40 unchanged`. */
export function summaryOf({ added, changed, handedOver, dropped, unchanged }: RosterPlan): string {
  const over =
    handedOver.length === 0 ? "" : `, ${plural(handedOver.length, "login")} given to another person`
  return `${added.length} added, ${changed.length} changed${over}, ${dropped.length} dropped, ${unchanged} unchanged`
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16)
}
