/** Spending by the roster's sections. */
import { UsageError } from "../../base/errors.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { add, nothing, type Tariff } from "../../decisions/pricing/costs.ts"
import type { Period, Scope } from "./days.ts"
import { totals } from "./totals.ts"

/** Everybody's spending once: who is in several sections counts under all of their names together, such as `101 + lab 3`. */
export function sectionsSpent(usageDb: UsageDb, tariff: Tariff, { range, nowUtcMs }: Scope): Period[] {
  if (!usageDb.roster.isUsed())
    throw new UsageError("options", "--by section: no roster has been imported (roster import FILE)")
  const sectionOf = new Map(
    usageDb.roster
      .entries()
      .map(({ login, sections }) => [login, sections.toSorted().join(" + ") || "(no section)"]),
  )
  const sums = new Map<string, Period>()
  for (const [login, cost] of totals(usageDb, tariff, range, nowUtcMs)) {
    const name = login === "" ? "(nobody)" : (sectionOf.get(login) ?? "(not on the roster)")
    sums.set(name, { name, ...add(sums.get(name) ?? nothing, cost) })
  }
  return [...sums.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
}
