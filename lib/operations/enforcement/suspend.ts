/**
 * One login that may use nothing for the time being. Our own tools refuse it by the database; AWS refuses its credentials by a
 * denial, which holds for the console too, and inactive keys, and its sessions by a denial in their role, and its instances by one in the roles of their instance profiles. Doing it again repairs what
 * failed.
 */

import type { Iam } from "../../aws/iam/interfaces.ts"
import { AwsError } from "../../aws/protocol/errors.ts"
import { messageOf } from "../../base/errors.ts"
import { latestOf, utcMsOf } from "../../base/time.ts"
import { withLoginLock } from "../../host/processes/login_lock.ts"
import { ownUser } from "../identities/observe.ts"
import { endSessionsOf, writeDenials } from "../identities/session_denials.ts"
import type { LaunchDeps } from "../launches/deps.ts"
import { writeInstanceDenials } from "./instance_sessions.ts"

const policyName = "ec2-wrappers-suspended"
const denyEverything = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Sid: "Suspended", Effect: "Deny", Action: "*", Resource: "*" }],
})

export interface HaltDeps extends LaunchDeps {
  readonly interrupt: AbortSignal
}

/**
 * Returns what failed. The database first: from then on nothing is launched, whatever IAM does. Then IAM at once, whatever the
 * login is doing; and once more when that is over, since an `--init` that had begun before may have made a user or a key.
 */
export async function suspend(deps: HaltDeps, login: string, reason: string): Promise<string[]> {
  const { usageDb, config, caller, clock } = deps
  const term = config.course.termStartUtcMs
  usageDb.transaction(() => {
    if (usageDb.suspensions.current(login, term)) return
    // Before a term that is set already: what is older than the term is the last person's.
    const suspendedAtUtcMs = latestOf(clock.now(), term ?? utcMsOf(0))
    usageDb.suspensions.begin({ login, suspendedBy: caller.login, reason, suspendedAtUtcMs })
    const text = `${login} is suspended, by ${caller.login}: ${reason}`
    const about = `${text} ${suspendedAtUtcMs}`
    usageDb.messages.add({ about, topic: "freezes", text, createdAtUtcMs: clock.now() })
  })
  // The session's row after the suspension's: whoever records one in between looks for a suspension afterwards.
  endSessionsOf(deps, login)
  const failures = [...(await denySessions(deps)), ...(await writeInstanceDenials(deps, caller.login))]
  await deny(deps, login)
  try {
    return [...failures, ...(await withLoginLock(config.paths.dataDir, login, deps, () => deny(deps, login)))]
  } catch (error) {
    return [...failures, messageOf(error)]
  }
}

async function denySessions(deps: HaltDeps): Promise<string[]> {
  try {
    await writeDenials(deps, deps.caller.login)
    return []
  } catch (error) {
    return [`sessions: ${messageOf(error)}`]
  }
}

function deny(deps: HaltDeps, login: string): Promise<string[]> {
  const { usageDb, config } = deps
  const term = config.course.termStartUtcMs
  return atIam(deps, login, async (iam) => {
    // Throws for one that is not the course's.
    if ((await ownUser({ ...deps, login })) === null) return
    await iam.putUserPolicy(login, policyName, denyEverything)
    for (const { id, active } of await iam.accessKeys(login)) {
      if (!active) continue
      // remembered before it happens: a key that is inactive and forgotten would stay so
      const known = usageDb.suspensions.current(login, term)?.deactivatedKeys ?? []
      usageDb.transaction(() => usageDb.suspensions.setDeactivatedKeys(login, [...new Set([...known, id])]))
      await iam.setAccessKeyActive(login, id, false)
    }
  })
}

/**
 * The reverse: AWS first, so that a failure leaves a suspension that can be lifted again. Sessions of before stay denied, by the date
 * of their issue, until the last of them has ended.
 */
export async function liftSuspension(deps: HaltDeps, login: string): Promise<string[]> {
  const { usageDb, config, caller, clock } = deps
  const suspension = usageDb.suspensions.current(login, config.course.termStartUtcMs)
  const failures = await atIam(deps, login, async (iam) => {
    if ((await ownUser({ ...deps, login })) === null) return
    const there = new Map((await iam.accessKeys(login)).map(({ id, active }) => [id, active]))
    for (const id of suspension?.deactivatedKeys ?? []) {
      if (there.get(id) === false) await iam.setAccessKeyActive(login, id, true)
    }
    await iam.deleteUserPolicy(login, policyName)
  })
  if (failures.length > 0) return failures
  if (suspension) endSessionsOf(deps, login)
  usageDb.transaction(() => {
    const nowUtcMs = clock.now()
    if (!usageDb.suspensions.lift(login, caller.login, nowUtcMs)) return
    const text = `${login} is not suspended any more, by ${caller.login}`
    usageDb.messages.add({ about: `${text} ${nowUtcMs}`, topic: "freezes", text, createdAtUtcMs: nowUtcMs })
  })
  return [...(await denySessions(deps)), ...(await writeInstanceDenials(deps, caller.login))]
}

/** An account that was deleted, or never made, has nothing at IAM to deny. */
async function atIam(deps: LaunchDeps, login: string, work: (iam: Iam) => Promise<void>): Promise<string[]> {
  try {
    const iam = await deps.aws.iam()
    if (await iam.user(login)) await work(iam)
    return []
  } catch (error) {
    if (error instanceof AwsError && error.code === "NoSuchEntity") return []
    return [`IAM: ${messageOf(error)}`]
  }
}
