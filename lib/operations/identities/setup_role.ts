/**
 * The role that students' sessions are of: its trust, its policy, how long a session may last. A role that exists is kept right also
 * where no login has sessions any more, since sessions of before may still live.
 */
import type { IamRole } from "../../aws/iam/interfaces.ts"
import { hasCode } from "../../aws/protocol/errors.ts"
import { Failed } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { msPerHour } from "../../base/time.ts"
import { usesMode } from "../../decisions/identities/credential_mode.ts"
import { policyDiff } from "../../decisions/identities/policy_diff.ts"
import { accountOfArn, isSamePolicy, policyText } from "../../decisions/identities/policy_document.ts"
import { studentPolicy, studentPolicyName } from "../../decisions/identities/student_policy.ts"
import {
  denialPolicyName,
  isRoleSession,
  studentRoleName,
  studentRolePath,
  trustPolicy,
} from "../../decisions/identities/student_role.ts"
import { iamOf } from "./deps.ts"
import type { OtherPolicy, SetupAction, SetupDeps } from "./setup_plan.ts"

type RoleDeps = Pick<SetupDeps, "aws" | "config">

export interface RolePlan {
  /** Null: the course has no role, and needs none. */
  role: string | null
  /** What makes the role where there is none; its denials come next, then the other actions. */
  making: SetupAction[]
  actions: SetupAction[]
  /** Ids that the trust names in place of a user or role that no longer exists. */
  strangers: string[]
  /** As in a GroupPlan; the trust policy's first. */
  differences: string[]
  others: OtherPolicy[]
}

/** What the role lacks. Throws Failed where our own credentials cannot assume a role, or not for as long as the config says. */
export async function planRole(
  deps: RoleDeps,
  { callerArn, removeOthers }: { callerArn: string; removeOthers: boolean },
): Promise<RolePlan> {
  const { config } = deps
  const iam = await iamOf(deps)
  const { name: course, bucket } = config.course
  const name = studentRoleName(course)
  const isWanted = usesMode(config, "sessions")
  const found = await iam.role(name).catch((error: unknown) => {
    // A key that was made for a course without sessions need not be allowed to look.
    if (!isWanted && hasCode(error, "AccessDenied")) return null
    throw error
  })
  if (found === null && !isWanted)
    return { role: null, making: [], strangers: [], actions: [], differences: [], others: [] }
  if (isWanted) requireAssumable(deps, callerArn)
  requireOwnRole(deps, found)
  const trust = policyText(trustPolicy(await principalOf(deps, callerArn)))
  const policy = policyText(studentPolicy(accountOfArn(callerArn), bucket, Object.keys(config.launch.tags)))
  const [foundPolicy, others] = found
    ? [await iam.rolePolicy(name, studentPolicyName), await othersOf(deps, name)]
    : [null, []]
  const { sessionMs } = config.identity
  const actions: SetupAction[] = []
  const act = (isRight: boolean, what: string, call: SetupAction["act"]) => {
    if (!isRight) actions.push({ what, act: call })
  }
  // A session that came without the tag would have the role's.
  act(found?.tags[tagOf.owner] === undefined, `remove the tag ${tagOf.owner} of role ${name}`, () =>
    iam.untagRole(name, [tagOf.owner]),
  )
  act(found === null || isSamePolicy(found.trust, trust), `write the trust policy of role ${name}`, () =>
    iam.setRoleTrust(name, trust),
  )
  act(found === null || found.sessionMs === sessionMs, `set the longest session of role ${name}`, () =>
    iam.setRoleSession(name, sessionMs),
  )
  for (const { what, remove } of removeOthers ? others : [])
    act(false, `remove ${what} of role ${name}`, remove)
  act(isSamePolicy(foundPolicy, policy), `write policy ${studentPolicyName} of role ${name}`, () =>
    iam.putRolePolicy(name, studentPolicyName, policy),
  )
  const role = {
    path: studentRolePath(course),
    trust,
    sessionMs,
    tags: { ...config.launch.tags, [tagOf.course]: course },
  }
  return {
    role: name,
    making: found ? [] : [{ what: `create role ${name}`, act: () => iam.createRole(name, role) }],
    strangers: [...new Set(found?.trust.match(/\b(AIDA|AROA)[A-Z0-9]{12,}\b/g))],
    actions,
    differences: [policyDiff(found?.trust ?? null, trust), policyDiff(foundPolicy, policy)],
    others: removeOthers ? [] : others,
  }
}

function requireAssumable({ config }: RoleDeps, callerArn: string): void {
  if (callerArn.endsWith(":root")) {
    throw new Failed(
      "role",
      "AWS lets the account's root user assume no role; make an IAM user with the policy that setup --print-policy " +
        "prints, and use its key",
    )
  }
  const hours = config.identity.sessionMs / msPerHour
  if (isRoleSession(callerArn) && hours > 1) {
    throw new Failed(
      "role",
      `[identity] session_hours is ${hours}, and AWS allows 1 where these tools' own credentials are a role's`,
    )
  }
}

/** A role of our name at another path, or with another course's tag, is somebody else's. */
function requireOwnRole({ config }: RoleDeps, found: IamRole | null): void {
  if (found === null) return
  const { name: course } = config.course
  const tag = found.tags[tagOf.course]
  if (found.path === studentRolePath(course) && (tag === undefined || tag === course)) return
  throw new Failed(
    `role ${found.name}`,
    `is at ${found.path}${tag === undefined ? "" : ` and belongs to the course ${tag}`}, and is left alone; ` +
      `wanted one at ${studentRolePath(course)}; delete it or give it another name`,
  )
}

/** Who may assume the role: our own user, or the role whose session we are. */
async function principalOf(deps: RoleDeps, callerArn: string): Promise<string> {
  if (!isRoleSession(callerArn)) return callerArn
  const { partition, id } = accountOfArn(callerArn)
  const [, name = ""] = callerArn.split(":assumed-role/")[1]?.match(/^([^/]+)/) ?? []
  // The session's ARN leaves out the role's path.
  const role = await (await iamOf(deps)).role(name).catch(() => null)
  return role?.arn ?? `arn:${partition}:iam::${id}:role/${name}`
}

async function othersOf(deps: RoleDeps, name: string): Promise<OtherPolicy[]> {
  const iam = await iamOf(deps)
  const [inline, attached] = await Promise.all([iam.rolePolicies(name), iam.attachedRolePolicies(name)])
  return [
    ...inline
      .filter((policy) => policy !== studentPolicyName && policy !== denialPolicyName)
      .map((policy) => ({
        what: `policy ${policy}`,
        remove: () => iam.deleteRolePolicy(name, policy),
      })),
    ...attached.map((policy) => ({
      what: `attached policy ${policy.name}`,
      remove: () => iam.detachRolePolicy(name, policy.arn),
    })),
  ]
}
