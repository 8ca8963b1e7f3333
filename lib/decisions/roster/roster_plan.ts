/** What an import would change: pure, so that the dry run and the import decide alike. */
import type { RosterEntry } from "./roster_entry.ts"

export interface RosterBefore {
  /** The roster in force; empty before the first import. */
  entries: readonly RosterEntry[]
  /** Logins with an account that no roster names yet: the first import drops those that it does not name. */
  unlisted: readonly string[]
  /** Who had each login last, also of those who were dropped since; "" where the roster had no number. */
  holderOf(login: string): string | null
  /** Suspended because they left the roster. */
  isDropped(login: string): boolean
  isStaff(login: string): boolean
}

export interface RosterChange {
  login: string
  from: RosterEntry
  to: RosterEntry
}

export interface RosterPlan {
  added: RosterEntry[]
  /** Another section, e-mail or name, or a number where there was none. */
  changed: RosterChange[]
  /** Logins that come back with another person. Also in `added` or `changed`. */
  handedOver: { login: string; from: string; to: string }[]
  dropped: { login: string; person: string }[]
  /** Staff that the file does not name. */
  keptStaff: string[]
  unchanged: number
  /** How many the file could have dropped. */
  droppable: number
  /** The roster as it would be. */
  entries: RosterEntry[]
}

/**
 * `isWhole`: the file is of all sections. Else it drops only people all of whose sections it has. A file without sections is of the
 * whole course.
 */
export function planRoster(
  before: RosterBefore,
  people: readonly RosterEntry[],
  { isWhole }: { isWhole: boolean },
): RosterPlan {
  const named = new Map(people.map((person) => [person.login, person]))
  const known = new Map(before.entries.map((entry) => [entry.login, entry]))
  const covered = new Set(people.flatMap(({ sections }) => sections))
  const isCovered = ({ sections }: Pick<RosterEntry, "sections">) =>
    isWhole || (sections.length > 0 && sections.every((section) => covered.has(section)))
  const unlisted = before.unlisted
    .filter((login) => !known.has(login))
    .map((login): RosterEntry => ({ login, person: "", sections: [], email: "", fullName: "" }))
  const droppable = [...before.entries, ...(isWhole ? unlisted : [])].filter(
    (entry) => isCovered(entry) && !before.isStaff(entry.login),
  )
  const absent = droppable.filter(({ login }) => !named.has(login))
  const kept = before.entries.filter((entry) => !named.has(entry.login) && !isCovered(entry))
  const plan: RosterPlan = {
    added: [],
    changed: [],
    handedOver: [],
    dropped: absent.map(({ login, person }) => ({ login, person })),
    keptStaff: before.entries
      .filter((e) => !named.has(e.login) && before.isStaff(e.login))
      .map((e) => e.login),
    unchanged: kept.length,
    droppable: droppable.length,
    entries: [],
  }
  const staff = before.entries.filter((entry) => plan.keptStaff.includes(entry.login))
  plan.entries = [...people.map((person) => withKnownPerson(person, before)), ...kept, ...staff]
    .filter((entry, index, all) => all.findIndex(({ login }) => login === entry.login) === index)
    .toSorted((a, b) => (a.login < b.login ? -1 : 1))
  for (const to of plan.entries) {
    if (!named.has(to.login)) continue
    const from = known.get(to.login)
    const holder = before.holderOf(to.login)
    if (
      holder !== null &&
      holder !== "" &&
      to.person !== "" &&
      holder !== to.person &&
      !before.isStaff(to.login)
    )
      plan.handedOver.push({ login: to.login, from: holder, to: to.person })
    if (!from) plan.added.push(to)
    else if (entryChanges(from, to).length === 0) plan.unchanged++
    else plan.changed.push({ login: to.login, from, to })
  }
  return plan
}

/** `section 101 → 102`, for each thing that differs. */
export function entryChanges(from: RosterEntry, to: RosterEntry): string[] {
  const pairs: [what: string, from: string, to: string][] = [
    ["person", from.person, to.person],
    ["section", from.sections.join(", "), to.sections.join(", ")],
    ["e-mail", from.email, to.email],
    ["name", from.fullName, to.fullName],
  ]
  return pairs
    .filter(([, one, other]) => one !== other)
    .map(([what, one, other]) => `${what} ${one || "none"} → ${other || "none"}`)
}

/** A file without numbers does not make anybody another person. */
function withKnownPerson(person: RosterEntry, before: RosterBefore): RosterEntry {
  return person.person === "" ? { ...person, person: before.holderOf(person.login) ?? "" } : person
}

/**
 * Why an import needs `--drop N` that says how many it drops, or null: it drops more than a tenth of the people whom it could, or names
 * nobody, or its file breaks off.
 */
export function whyDoubtful(
  { dropped, droppable, entries }: RosterPlan,
  { isCutOff }: { isCutOff: boolean },
): string | null {
  if (entries.length === 0) return "leaves nobody on the roster"
  if (isCutOff) return "breaks off: its last line has no end"
  if (dropped.length * 10 > droppable)
    return `drops ${dropped.length} of ${droppable} people, more than a tenth`
  return null
}
