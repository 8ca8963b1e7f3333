/** Logins that differ in case only: IAM takes them for one user, so one of them stays out. */
import { hasCode } from "../../aws/protocol/errors.ts"
import { Refused } from "../../base/errors.ts"
import { sameButForCase } from "../../base/login.ts"
import type { IdentityDeps } from "./deps.ts"

/** Throws Refused where another login of the course differs from this one in case only. */
export function requireNoOtherCase({ login, usersDb }: Pick<IdentityDeps, "login" | "usersDb">): void {
  const other = sameButForCase(login, usersDb.users.logins())
  if (other === null) return
  throw new Refused(
    "account",
    `${login} differs from ${other} in case only, and IAM takes both for one user; staff must rename one of them`,
  )
}

/** For a user that AWS did not show before, and whose name it finds taken. */
export function explainedTaken(login: string): (error: unknown) => never {
  return (error) => {
    if (!hasCode(error, "EntityAlreadyExists")) throw error
    throw new Refused(
      `IAM user ${login}`,
      "exists, or another one whose name differs in case only; IAM takes both for one. Try again in a minute; then staff must " +
        "rename the login",
    )
  }
}
