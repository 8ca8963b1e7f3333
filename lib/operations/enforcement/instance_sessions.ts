/**
 * What instances of suspended logins may do at AWS by the role of their instance profile: nothing, for as long as the suspension
 * lasts. Others' instances of the same role work on.
 */
import type { Iam } from "../../aws/iam/interfaces.ts"
import { hasCode } from "../../aws/protocol/errors.ts"
import { messageOf } from "../../base/errors.ts"
import { later } from "../../base/time.ts"
import {
  instanceDenialPolicyName,
  instanceSessionDenials,
  instanceSessionMs,
  profileNameOf,
} from "../../decisions/identities/instance_session_denials.ts"
import { isSamePolicy, policyText } from "../../decisions/identities/policy_document.ts"
import { rolePolicyRoom } from "../../decisions/identities/student_role.ts"
import { type LoginLockDeps, withLoginLock } from "../../host/processes/login_lock.ts"
import type { LedgerDeps } from "../launches/deps.ts"

type Deps = LedgerDeps & Pick<LoginLockDeps, "interrupt">

/** No login has a blank in it. */
const lockName = "sessions of instances"

/**
 * Brings the denials in the roles of the config's instance profiles to what the ledger says, and returns what failed. An
 * instance that has ended stays denied as long as credentials that were read from it may live.
 */
export async function writeInstanceDenials(deps: Deps, actor: string): Promise<string[]> {
  const { config, usageDb } = deps
  const profiles = [...new Set(config.launch.instanceProfiles.map(profileNameOf))]
  if (profiles.length === 0 || !usageDb.suspensions.hasAny()) return []
  const failures: string[] = []
  for (const profile of profiles) {
    try {
      failures.push(...(await denyIn(deps, profile, actor)))
    } catch (error) {
      // A key that may not look has never written a denial there.
      if (hasCode(error, "AccessDenied") && suspendedInstances(deps).length === 0) continue
      failures.push(`sessions of instance profile ${profile}: ${messageOf(error)}`)
    }
  }
  return failures
}

/** One at a time: two that read before either wrote would lose one's instances. */
async function denyIn(deps: Deps, profile: string, actor: string): Promise<string[]> {
  const { config, audit, aws } = deps
  return withLoginLock(config.paths.dataDir, lockName, deps, async () => {
    const iam = await aws.iam()
    const role = await iam.roleOfInstanceProfile(profile)
    if (role === null) return []
    const policy = instanceDenialPolicyName(config.course.name)
    const found = await iam.rolePolicy(role.name, policy)
    const wanted = suspendedInstances(deps)
    if (wanted.length === 0 && found === null) return []
    const room = wanted.length === 0 ? rolePolicyRoom : await roomIn(iam, role.name, policy)
    const { document, left } = instanceSessionDenials(role.id, wanted, room)
    const isRight = document === null ? found === null : isSamePolicy(found, policyText(document))
    if (!isRight) {
      const what = `sessions of instances: write policy ${policy} of role ${role.name}`
      audit.record(actor, what, "regardless")
      const { requestId } = await (document === null
        ? iam.deleteRolePolicy(role.name, policy)
        : iam.putRolePolicy(role.name, policy, policyText(document)))
      audit.record(actor, `${what}: done (request ${requestId || "unknown"})`, "regardless")
    }
    if (left.length === 0) return []
    const because = `role ${role.name} holds no more than ${rolePolicyRoom} characters of policies`
    return [`sessions of ${left.join(", ")} are not revoked, since ${because}; terminate these instances`]
  })
}

/** Running ones first. */
function suspendedInstances({ config, usageDb, clock }: Deps): string[] {
  const since = later(clock.now(), -instanceSessionMs)
  return usageDb.suspensions
    .all(config.course.termStartUtcMs)
    .flatMap(({ login }) => usageDb.ledger.instances.lately(login, since))
    .sort((a, b) => Number(a.state === "terminated") - Number(b.state === "terminated"))
    .map(({ instanceId }) => instanceId)
}

/** What IAM has left for one inline policy beside the role's others. */
async function roomIn(iam: Iam, role: string, policy: string): Promise<number> {
  let room = rolePolicyRoom
  for (const other of await iam.rolePolicies(role)) {
    if (other === policy) continue
    room -= ((await iam.rolePolicy(role, other)) ?? "").replace(/\s/g, "").length
  }
  return room
}
