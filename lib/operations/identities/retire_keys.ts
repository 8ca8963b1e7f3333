/** What the old kind of credentials has left at IAM of logins that have sessions now: listed, and removed when told. */

import { messageOf } from "../../base/errors.ts"
import { inParallel } from "../../base/in_parallel.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { withLoginLock } from "../../host/processes/login_lock.ts"
import { iamOf } from "./deps.ts"
import { hasSessionHome } from "./home.ts"
import type { KillAllDeps } from "./kill_all.ts"
import { whyForeign } from "./observe.ts"
import { removeUser } from "./removal.ts"

export interface RetiredLogin {
  login: string
  /** Ids of access keys, at AWS or only recorded here. */
  keys: string[]
  hasPassword: boolean
  hasUser: boolean
  /** False: `--init` has not run since the change, so programs of this login still use the key. */
  hasSwitched: boolean
}

/** The logins with sessions of which IAM or users.db still has a user, a key or a password. Changes nothing. */
export async function planRetirement(deps: KillAllDeps): Promise<RetiredLogin[]> {
  const { config, usersDb } = deps
  const iam = await iamOf(deps)
  const callerArn = await iam.callerArn()
  const members = await iam.groupMembers(config.course.iamGroup)
  const logins = [...new Set([...usersDb.users.logins(), ...members])].filter(
    (login) => credentialModeOf(config, login) === "sessions",
  )
  const found = await inParallel(logins.sort(), async (login): Promise<RetiredLogin> => {
    const user = await iam.user(login)
    // Another course's, or our own: never ours to remove.
    const isOurs = user !== null && whyForeign({ config, login }, user, callerArn) === null
    const atAws = isOurs ? (await iam.accessKeys(login)).map(({ id }) => id) : []
    const recorded = usersDb.accessKeys.ofUser(login).map(({ id }) => id)
    return {
      login,
      keys: [...new Set([...atAws, ...recorded])],
      hasPassword:
        Boolean(usersDb.users.get(login)?.password) || (isOurs && (await iam.hasLoginProfile(login))),
      hasUser: isOurs,
      hasSwitched: hasSessionHome(deps, login),
    }
  })
  return found.filter(({ keys, hasPassword, hasUser }) => keys.length > 0 || hasPassword || hasUser)
}

/**
 * Removes what the plan lists: the IAM user with everything that hangs on it, then the rows. SSH keys, the account's row and what the
 * login runs stay. Returns what could not be removed; running it again goes on.
 */
export async function retireKeys(
  deps: KillAllDeps,
  plan: readonly RetiredLogin[],
): Promise<{ login: string; reason: string }[]> {
  const { config, usersDb } = deps
  const left: { login: string; reason: string }[] = []
  await inParallel(plan, async ({ login, keys, hasUser }) => {
    deps.progress(`removing the keys of ${login}`)
    try {
      await withLoginLock(config.paths.dataDir, login, deps, async () => {
        const failed = hasUser ? (await removeUser({ ...deps, login })).failed : []
        for (const { what, reason } of failed) left.push({ login, reason: `${what}: ${reason}` })
        if (failed.length > 0) return
        usersDb.transaction(() => {
          for (const id of keys) usersDb.accessKeys.remove(id)
          usersDb.users.forgetPassword(login)
          usersDb.intents.end(login, "access key")
          usersDb.intents.end(login, "password")
        })
      })
    } catch (error) {
      if (deps.interrupt.aborted) throw deps.interrupt.reason
      left.push({ login, reason: messageOf(error) })
    }
  })
  return left
}
