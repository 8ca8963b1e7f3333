/**
 * A login that another person has now: what the person before could use is removed, and what that person saved is moved out of reach,
 * under an owner that is no login. Each step looks at AWS first, so that a run that was killed half-way is repeated.
 */
import { messageOf } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { formerOwnerPattern } from "../../base/login.ts"
import type { UtcMs } from "../../base/time.ts"
import { withLoginLock } from "../../host/processes/login_lock.ts"
import { removeIdentity } from "../identities/removal.ts"
import type { RosterDeps } from "./deps.ts"

/** Returns what failed. The login is suspended meanwhile. */
export async function beginAnew(deps: RosterDeps, login: string): Promise<string[]> {
  const formerOwner = deps.usageDb.loginHolders.of(login).at(-1)?.formerOwner ?? ""
  // The first person of a login has nothing to be removed.
  if (!formerOwnerPattern.test(formerOwner)) return []
  return [
    ...(await tried(() => removeAccount(deps, login))),
    ...(await tried(() => deps.sessions.deny().then(() => []))),
    ...(await tried(() => moveStorage(deps, login, formerOwner))),
    ...(await tried(() => moveObjects(deps, login, formerOwner))),
    ...(await tried(async () => forgetNotices(deps, login))),
  ]
}

async function tried(work: () => Promise<string[]>): Promise<string[]> {
  try {
    return await work()
  } catch (error) {
    return [messageOf(error)]
  }
}

/** Instances, access keys, password, IAM user, key pairs, ssh keys, the recorded session. */
function removeAccount(deps: RosterDeps, login: string): Promise<string[]> {
  const { config, caller } = deps
  const removal = { ...deps, login, actor: caller.login, progress: () => {} }
  return withLoginLock(config.paths.dataDir, login, deps, async () => {
    const { failed } = await removeIdentity(removal, { terminateInstances: true })
    return failed.map(({ what, reason }) => `${what}: ${reason}`)
  })
}

/** Volumes, snapshots and security groups get the former owner's tag, and the ledger charges that owner from now on. */
async function moveStorage(deps: RosterDeps, login: string, formerOwner: string): Promise<string[]> {
  const { aws, config, audit, caller, usageDb, clock } = deps
  const filter = { tags: { [tagOf.owner]: login, [tagOf.course]: config.course.name } }
  for (const region of config.aws.regions) {
    const ec2 = await aws.ec2(region)
    const [volumes, snapshots, groups] = await Promise.all([
      ec2.volumes(filter),
      ec2.snapshots(filter),
      ec2.securityGroups(filter),
    ])
    const ids = [...volumes, ...snapshots, ...groups].map(({ id }) => id)
    for (let at = 0; at < ids.length; at += tagsAtOnce) {
      const some = ids.slice(at, at + tagsAtOnce)
      audit.record(caller.login, `roster: give ${some.join(" ")} of ${login} to ${formerOwner}`)
      await ec2.tag(some, { [tagOf.owner]: formerOwner })
    }
  }
  usageDb.transaction(() => chargeFormerOwner(deps, login, formerOwner, clock.now()))
  return []
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html takes 1000 resources. */
const tagsAtOnce = 500

/** What goes with an instance ends with it, and stays its owner's. */
function chargeFormerOwner(
  { usageDb, config }: RosterDeps,
  login: string,
  formerOwner: string,
  nowUtcMs: UtcMs,
): void {
  const { flatRates, sums } = usageDb.ledger
  const tariff = usageDb.prices.tariff(config)
  sums.know(formerOwner)
  for (const flatRate of flatRates.open(login)) {
    if (flatRate.goesWithInstance !== "") continue
    const closed = { ...flatRate, endEarliestUtcMs: nowUtcMs, endLatestUtcMs: nowUtcMs }
    flatRates.put(closed)
    sums.addFlatRate(tariff, closed)
    flatRates.put({
      ...flatRate,
      login: formerOwner,
      startEarliestUtcMs: nowUtcMs,
      startLatestUtcMs: nowUtcMs,
      seenUtcMs: nowUtcMs,
    })
  }
}

/** Copies first: whatever is under the old prefix has not been moved yet. */
async function moveObjects(deps: RosterDeps, login: string, formerOwner: string): Promise<string[]> {
  const { aws, config, audit, caller } = deps
  const { bucket } = config.course
  const s3 = await aws.s3()
  const keys = await s3.keysUnder(bucket, `${login}/`)
  if (keys.length === 0) return []
  audit.record(
    caller.login,
    `roster: move ${keys.length} objects of s3://${bucket}/${login}/ to ${formerOwner}/`,
  )
  const failures: string[] = []
  for (const key of keys) {
    try {
      await s3.copy(bucket, key, `${formerOwner}/${key.slice(login.length + 1)}`)
      await s3.remove(bucket, key)
    } catch (error) {
      failures.push(messageOf(error))
    }
  }
  return failures
}

/** They were meant for the person before. */
async function forgetNotices({ usageDb, clock }: RosterDeps, login: string): Promise<string[]> {
  usageDb.transaction(() => {
    const now = clock.now()
    for (const { id } of usageDb.notices.pending(login, now)) usageDb.notices.shown(id, now)
  })
  return []
}
