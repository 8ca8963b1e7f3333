/** The console password that a user chose. */
import { Failed, Refused, UsageError } from "../../base/errors.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { passwordFault } from "../../decisions/identities/password.ts"
import { setPassword } from "./credentials.ts"
import { type IdentityDeps, iamOf, requireNotSuspended } from "./deps.ts"

export async function changePassword(deps: IdentityDeps, password: string): Promise<void> {
  requireNotSuspended(deps)
  const { login, usersDb, config } = deps
  if (credentialModeOf(config, login) === "sessions")
    throw new Refused("set password", `${login} has sessions and no password; use ec2-util --console`)
  const iam = await iamOf(deps)
  const [rules, hasLogin] = await Promise.all([iam.passwordPolicy(), iam.hasLoginProfile(login)])
  const fault = passwordFault(rules, password)
  if (fault) throw new UsageError("set password", fault)
  if (usersDb.users.get(login) === null) {
    throw new Failed("set password", `${login} has no account yet; --init makes it`)
  }
  await setPassword(deps, hasLogin ? "update" : "create", password, { mayReplace: false })
}
