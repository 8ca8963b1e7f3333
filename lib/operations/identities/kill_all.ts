/** The end of a course: removing every identity that is this course's, and no other. */
import { messageOf, ToolError } from "../../base/errors.ts"
import { inParallel } from "../../base/in_parallel.ts"
import { type Instance, isOfAnotherCourse, tagOf } from "../../base/instance.ts"
import { isKeyNameOf } from "../../decisions/identities/key_name.ts"
import { withLoginLock } from "../../host/processes/login_lock.ts"
import { ec2Of, iamOf } from "./deps.ts"
import { inRegionsEnabled } from "./holdings.ts"
import { whyForeign } from "./observe.ts"
import { type RemovalDeps, removeIdentity } from "./removal.ts"

export type KillAllDeps = Omit<RemovalDeps, "login">

export interface KnownIdentity {
  login: string
  inDatabase: boolean
  inIam: boolean
  /** Ids of what it has running or stopped. */
  instances: string[]
}

export interface KillAllPlan {
  identities: KnownIdentity[]
  /** IAM users that the database or their path names, and that are not this course's after all. */
  leftAlone: { login: string; reason: string }[]
}

/** What there is: the logins of users.db, and the IAM users under the course's path or with its tag. */
export async function planKillAll(deps: KillAllDeps): Promise<KillAllPlan> {
  const { config, usersDb } = deps
  const iam = await iamOf(deps)
  const recorded = new Set(usersDb.users.logins())
  const [all, privilegedArn, instances] = await Promise.all([
    iam.users(),
    iam.callerArn(),
    liveInstances(deps),
  ])
  const users = await inParallel(all, async (user) => ({ ...user, tags: await iam.userTags(user.name) }))
  const ours = users.filter(
    ({ name, path, tags }) =>
      recorded.has(name) || path === `/${config.course.name}/` || tags[tagOf.course] === config.course.name,
  )
  const foreign = ours.flatMap((user) => {
    const reason = whyForeign({ config, login: user.name }, user, privilegedArn)
    return reason === null ? [] : [{ login: user.name, reason }]
  })
  const alone = new Set(foreign.map(({ login }) => login))
  const logins = [...new Set([...recorded, ...ours.map(({ name }) => name)])]
    .filter((login) => !alone.has(login))
    .sort()
  const inIam = new Set(ours.map(({ name }) => name))
  return {
    identities: logins.map((login) => ({
      login,
      inDatabase: recorded.has(login),
      inIam: inIam.has(login),
      instances: instances
        .filter((instance) => isHeldBy(login, instance, config.course.name))
        .map(({ id }) => id),
    })),
    leftAlone: foreign,
  }
}

export interface Killed {
  removed: string[]
  /** What is left of whom, and why. */
  left: { login: string; what: string; reason: string }[]
}

/** Removes all of a plan; one that fails does not keep the others. */
export async function killAll(
  deps: KillAllDeps,
  { identities }: Pick<KillAllPlan, "identities">,
  { terminateInstances }: { terminateInstances: boolean },
): Promise<Killed> {
  const result: Killed = { removed: [], left: [] }
  await inParallel(identities, async ({ login }) => {
    deps.progress(`removing ${login}`)
    const own = { ...deps, login }
    try {
      const { failed } = await withLoginLock(deps.config.paths.dataDir, login, deps, () =>
        removeIdentity(own, { terminateInstances }),
      )
      result.left.push(...failed.map((failure) => ({ login, ...failure })))
      if (failed.length === 0) result.removed.push(login)
    } catch (error) {
      if (deps.interrupt.aborted) throw deps.interrupt.reason
      const reason = error instanceof ToolError ? error.reason : messageOf(error)
      result.left.push({ login, what: "account", reason })
    }
  })
  result.removed.sort()
  try {
    await deps.sessions.deny()
  } catch (error) {
    result.left.push({ login: deps.actor, what: "sessions issued before", reason: messageOf(error) })
  }
  return result
}

async function liveInstances({ aws, config }: Pick<KillAllDeps, "aws" | "config">): Promise<Instance[]> {
  const states = ["pending", "running", "stopping", "stopped"] as const
  return inRegionsEnabled(config, async (region) =>
    (await ec2Of({ aws }, region)).instances({ states: [...states] }),
  )
}

function isHeldBy(login: string, { tags, keyName }: Instance, course: string): boolean {
  if (isOfAnotherCourse(tags, course)) return false
  const owner = tags[tagOf.owner]
  return owner === undefined ? isKeyNameOf(login, keyName) : owner === login
}
