/** What a login may have now: the config, the overrides of its sections on the roster, and what staff has granted. */
import type { Limits } from "../../base/config.ts"
import { later, latestOf, type UtcMs } from "../../base/time.ts"
import type { Grant } from "../../db/requests/grants.ts"
import { configuredLimits } from "../../decisions/launches/launch_policy.ts"
import { termBegan } from "../../decisions/pricing/term.ts"
import { withGrants } from "../../decisions/requests/limit_request.ts"
import type { LedgerDeps } from "./deps.ts"

type LimitDeps = Pick<LedgerDeps, "config" | "usageDb" | "clock">

/** Read inside the admission's transaction: what is imported or granted meanwhile counts. */
export function limitsOf(deps: LimitDeps, login: string): Limits {
  return limitsAt(deps, login, deps.clock.now())
}

export function limitsAt(
  deps: Pick<LimitDeps, "config" | "usageDb">,
  login: string,
  nowUtcMs: UtcMs,
): Limits {
  return withGrants(limitsWithoutGrants(deps, login), grantsSince(deps, login, nowUtcMs))
}

export function limitsWithoutGrants(
  { config, usageDb }: Pick<LimitDeps, "config" | "usageDb">,
  login: string,
): Limits {
  return configuredLimits(config, login, usageDb.roster.entry(login)?.sections ?? [])
}

/** The grants of the login's present person that are in force, or have ended since. */
function grantsSince({ usageDb }: Pick<LimitDeps, "usageDb">, login: string, sinceUtcMs: UtcMs): Grant[] {
  return usageDb.grants.ofLogin(login, usageDb.loginHolders.since(login), sinceUtcMs)
}

/** Those that ended after `sinceUtcMs` and are over, the last one at the end. */
export function endedGrants(deps: LimitDeps, login: string, sinceUtcMs: UtcMs): Grant[] {
  const nowUtcMs = deps.clock.now()
  return grantsSince(deps, login, sinceUtcMs)
    .filter(({ endsAtUtcMs }) => endsAtUtcMs <= nowUtcMs)
    .toSorted((a, b) => a.endsAtUtcMs - b.endsAtUtcMs)
}

/** Until then storage that a granted budget paid for stays, with its warning: three days from the grant's end. */
export function storageGrace(deps: LimitDeps, login: string, graceMs: number): UtcMs | null {
  const ended = endedGrants(deps, login, later(deps.clock.now(), -graceMs))
  const last = ended.findLast(({ limit }) => limit === "budget")
  return last ? later(last.endsAtUtcMs, graceMs) : null
}

/**
 * From when on a login's spending counts against its budget: the term's begin, or later, when the login was given to another person.
 * Null: from the first.
 */
export function budgetBegan(
  { config, usageDb }: Pick<LimitDeps, "config" | "usageDb">,
  login: string,
  nowUtcMs: UtcMs,
): UtcMs | null {
  const term = termBegan(config.course, nowUtcMs)
  const since = usageDb.loginHolders.since(login)
  if (since === 0) return term
  return term === null ? since : latestOf(term, since)
}
