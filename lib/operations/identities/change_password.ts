/** The console password that a user chose. */
import { Failed, UsageError } from "../../base/errors.ts"
import { passwordFault } from "../../decisions/identities/password.ts"
import type { LineInput } from "../../host/line_input.ts"
import { setPassword } from "./credentials.ts"
import { type IdentityDeps, iamOf, requireNotSuspended } from "./deps.ts"

const mostBytes = 512

/** Asks twice, as `prompt` says on the terminal; throws UsageError where the answers differ. */
export async function askPassword(input: LineInput, prompt: (text: string) => void): Promise<string> {
  const first = await input.next({ mostBytes, secret: () => prompt("New AWS profile password:") })
  const second = await input.next({ mostBytes, secret: () => prompt("The same again:") })
  if (!first) throw new UsageError("set password", "none was given on stdin")
  if (first !== second) throw new UsageError("set password", "the two passwords are not the same")
  return first
}

export async function changePassword(deps: IdentityDeps, password: string): Promise<void> {
  requireNotSuspended(deps)
  const { login, usersDb } = deps
  const iam = await iamOf(deps)
  const [rules, hasLogin] = await Promise.all([iam.passwordPolicy(), iam.hasLoginProfile(login)])
  const fault = passwordFault(rules, password)
  if (fault) throw new UsageError("set password", fault)
  if (usersDb.users.get(login) === null) {
    throw new Failed("set password", `${login} has no account yet; --init makes it`)
  }
  await setPassword(deps, hasLogin ? "update" : "create", password, { mayReplace: false })
}
