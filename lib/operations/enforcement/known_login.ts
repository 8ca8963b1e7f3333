/** A login that is mistyped suspends nobody, and nobody notices: it is refused before anything is done. */
import { UsageError } from "../../base/errors.ts"
import { loginPattern } from "../../base/login.ts"
import { didYouMean } from "../../base/nearest.ts"
import { uidOfLogin } from "../../host/processes/libc.ts"
import type { LaunchDeps } from "../launches/deps.ts"

/** Throws UsageError where neither the ledger, users.db, the roster, a suspension nor passwd knows the login, and names the nearest that they know. */
export function requireKnownLogin(
  { usageDb, usersDb, config }: Pick<LaunchDeps, "usageDb" | "usersDb" | "config">,
  login: string,
): void {
  const known = new Set([
    ...usersDb.users.logins(),
    ...usageDb.ledger.sums.logins(),
    ...usageDb.ledger.oldSums.logins(),
    ...usageDb.reservations.pending(null).map((reservation) => reservation.login),
    ...usageDb.roster.entries().map((entry) => entry.login),
    ...usageDb.suspensions.all(config.course.termStartUtcMs).map((suspension) => suspension.login),
  ])
  // The old tools took names out of keys: some are no logins.
  const logins = [...known].filter((name) => loginPattern.test(name))
  if (known.has(login) || uidOfLogin(login) !== null) return
  throw new UsageError(
    "arguments",
    `${login} has no account here and is in no record${didYouMean(login, logins)} (--force goes on all the same)`,
  )
}
