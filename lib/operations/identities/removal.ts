/** Removing an identity: all that hangs on the IAM user, the key pairs, the rows. What does not go is named, the rest goes. */
import { hasCode } from "../../aws/protocol/errors.ts"
import { messageOf, Refused } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import { msPerSecond } from "../../base/time.ts"
import { audited } from "./deps.ts"
import { instancesOf, keyPairParts, spotRequestParts, terminationOf } from "./holdings.ts"
import { ownUser } from "./observe.ts"
import type { Removable, RemovalDeps } from "./removable.ts"
import { partsOfUser } from "./user_parts.ts"

export type { RemovalDeps } from "./removable.ts"

export interface RemovalOptions {
  terminateInstances: boolean
  dryRun?: boolean
}

export interface Removal {
  /** What was removed, or would be; in order. */
  removed: string[]
  failed: { what: string; reason: string }[]
}

/**
 * Throws Refused while instances run, unless told to terminate them. Where nothing is there, nothing is done. The login's sessions are
 * noted as ended. AWS is told so by `sessions.deny` of staff's tools, or by the next run of cron: it takes a lock of the whole course,
 * which no student's run may hold.
 */
export async function removeIdentity(
  deps: RemovalDeps,
  { terminateInstances, dryRun = false }: RemovalOptions,
): Promise<Removal> {
  const { login, usersDb } = deps
  const user = await ownUser(deps)
  const instances = await instancesOf(deps)
  if (instances.length > 0 && !terminateInstances) {
    const ids = instances.map(({ id }) => id).join(", ")
    throw new Refused(
      "delete account",
      `${login} has ${plural(instances.length, "instance")} (${ids}); terminate first, or add --terminate-instances`,
    )
  }
  const items = [
    ...instances.map((instance) => terminationOf(deps, instance)),
    ...(await spotRequestParts(deps)),
    ...(user ? await partsOfUser(deps) : []),
    ...(await keyPairParts(deps)),
  ]
  if (!dryRun) deps.sessions.end(login)
  const result = await removeAll(deps, items, dryRun)
  if (usersDb.users.logins().includes(login) && result.failed.length === 0) {
    if (!dryRun) {
      usersDb.transaction(() => usersDb.users.remove(login))
      // Without its row a login gets no session any more: what was issued until now is all there is.
      deps.sessions.end(login)
    }
    result.removed.push("rows in users.db")
  }
  return result
}

/** Only what hangs on the IAM user, and the user: what a run that failed has made. */
export async function removeUser(deps: RemovalDeps): Promise<Removal> {
  return removeAll(deps, await partsOfUser(deps), false)
}

async function removeAll(deps: RemovalDeps, items: Removable[], dryRun: boolean): Promise<Removal> {
  const result: Removal = { removed: [], failed: [] }
  for (const { what, remove, forget, mayNeedTime } of items) {
    try {
      if (!dryRun) {
        const isFree = mayNeedTime === true && result.failed.length === 0
        await audited(deps, `delete ${what}`, isFree ? () => onceFree(deps, remove) : remove)
        forget?.()
      }
      result.removed.push(what)
    } catch (error) {
      result.failed.push({ what, reason: messageOf(error) })
    }
  }
  return result
}

const freeDeadlineMs = 20 * msPerSecond
const freeDelayMs = 1 * msPerSecond

/** IAM may still see, for some seconds, what has just been taken off a user. */
async function onceFree<T>({ clock, interrupt }: RemovalDeps, remove: () => Promise<T>): Promise<T> {
  const deadline = clock.now() + freeDeadlineMs
  for (;;) {
    try {
      return await remove()
    } catch (error) {
      if (!hasCode(error, "DeleteConflict") || clock.now() > deadline) throw error
      await clock.sleep(freeDelayMs, interrupt)
    }
  }
}
