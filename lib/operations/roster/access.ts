/** Who may use the course: the roster's people where one has been imported, else the logins that the config's globs match. */
import type { Config } from "../../base/config.ts"
import { Refused } from "../../base/errors.ts"
import { matchesGlob } from "../../base/login.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { type Caller, requireAccount } from "../../host/caller/caller.ts"

export interface RosterAccessDeps {
  readonly config: Config
  readonly usageDb: Pick<UsageDb, "roster" | "rosterDrops" | "rosterTasks">
}

/**
 * Throws Refused unless the caller may use the student tools. Whoever was dropped may still see and end what is left; launches ask
 * whyNotEnrolled besides.
 */
export function requireMember({
  config,
  usageDb,
  caller,
}: RosterAccessDeps & { readonly caller: Caller }): void {
  const { login, isStaff } = caller
  if (isStaff) return
  if (!usageDb.roster.isUsed()) {
    requireAccount(caller, config.course)
    return
  }
  if (usageDb.roster.entry(login) !== null || usageDb.rosterDrops.isDropped(login)) return
  throw new Refused(
    "caller",
    `${login} is not on the roster of ${config.course.name}, see your course's staff`,
  )
}

/** Why a login may have nothing new, by the roster alone; null where it may. Read inside an admission's transaction. */
export function whyNotEnrolled({ config, usageDb }: RosterAccessDeps, login: string): string | null {
  if (matchesGlob(config.course.staff, login) || !usageDb.roster.isUsed()) return null
  if (usageDb.roster.entry(login) === null) return droppedReason
  if (usageDb.rosterTasks.hasOpen(login, "begin anew")) return handedOverReason
  return null
}

/** The reason of a suspension that an import made, and that a later one lifts. Staff's own suspensions have others. */
export const droppedReason = "not on the roster any more"
/** While what the person before left is being removed. */
export const handedOverReason = "the login was given to another person"
