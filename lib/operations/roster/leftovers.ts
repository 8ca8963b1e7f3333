/** What people who left the roster still have when `drop_days` are over: said once, by cron. */
import { toUsd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import type { RosterDeps } from "./deps.ts"
import { holdingsOf, holdsNothing, type RosterHoldings } from "./roster_holdings.ts"

type LeftoverDeps = Pick<RosterDeps, "usageDb" | "config" | "clock">

interface Leftover {
  login: string
  droppedAtUtcMs: UtcMs
  holdings: RosterHoldings
}

/** Lines for those that have not been named yet. */
export function newLeftovers(deps: LeftoverDeps): string[] {
  const found = leftovers(deps)
  if (found.length === 0) return []
  const { usageDb, clock } = deps
  return usageDb.transaction(() =>
    found.flatMap((leftover) => {
      const { login, droppedAtUtcMs } = leftover
      const text = leftoverLine(leftover)
      const createdAtUtcMs = clock.now()
      const about = `leftovers of ${login}, dropped ${droppedAtUtcMs}`
      const isNew = usageDb.notices.add({
        login: "",
        about,
        text,
        createdAtUtcMs,
        expiresAtUtcMs: createdAtUtcMs,
      })
      return isNew ? [text] : []
    }),
  )
}

function leftovers(deps: LeftoverDeps): Leftover[] {
  const { usageDb, config, clock } = deps
  const before = clock.now() - config.roster.dropMs
  return usageDb.rosterDrops
    .all()
    .filter(({ droppedAtUtcMs }) => droppedAtUtcMs <= before)
    .map(({ login, droppedAtUtcMs }) => ({ login, droppedAtUtcMs, holdings: holdingsOf(deps, login) }))
    .filter(({ holdings }) => !holdsNothing(holdings))
}

function leftoverLine({ login, droppedAtUtcMs, holdings }: Leftover): string {
  const { instances, stored, storedMicroUsdPerMonth } = holdings
  const ids = [...instances, ...stored].map(({ id }) => id).join(" ")
  const cost = stored.length === 0 ? "" : ` at $${toUsd(storedMicroUsdPerMonth).toFixed(2)} a month`
  return `${login}, dropped at ${isoUtc(droppedAtUtcMs)}, still has ${plural(instances.length, "instance")} and ${plural(stored.length, "saved thing")}${cost}: ${ids}`
}
