/**
 * The IAM group that all students are in, its members' owner tags and its policy: looked at, and brought to what they should be. The
 * tags come before the policy that goes by them: killed anywhere, nobody is locked out and nobody has more than before.
 */
import type { Outcome } from "../../aws/interfaces.ts"
import { policyDiff } from "../../decisions/identities/policy_diff.ts"
import { accountOfArn, isSamePolicy, policyText } from "../../decisions/identities/policy_document.ts"
import { studentPolicy, studentPolicyName } from "../../decisions/identities/student_policy.ts"
import { audited, type IdentityDeps, iamOf } from "./deps.ts"
import { ownerTagActions } from "./owner_tags.ts"

export type SetupDeps = Pick<IdentityDeps, "aws" | "audit" | "config" | "actor" | "login">

export interface SetupOptions {
  dryRun: boolean
  /** Remove policies of the group that are not ours: whatever they allow, students may do. */
  removeOthers: boolean
}

/** One change at AWS, in words and as a call. */
export interface SetupAction {
  what: string
  act(): Promise<Outcome>
}

export interface SetupReport {
  group: string
  policy: string
  /** What was done, or would be; nothing where all was right. */
  actions: string[]
  /** Unified diff from the policy found to the one wanted; "" where they say the same. */
  difference: string
  /** Policies of the group besides ours that stay. */
  others: string[]
}

export async function setUpGroup(
  deps: SetupDeps,
  { dryRun, removeOthers }: SetupOptions,
): Promise<SetupReport> {
  const iam = await iamOf(deps)
  const name = deps.config.course.iamGroup
  const [group, callerArn] = await Promise.all([iam.group(name), iam.callerArn()])
  const [found, inline, attached, members] = group
    ? await Promise.all([
        iam.groupPolicy(name, studentPolicyName),
        iam.groupPolicies(name),
        iam.attachedGroupPolicies(name),
        iam.groupMembers(name),
      ])
    : ([null, [], [], []] as const)
  const wanted = policyText(studentPolicy(accountOfArn(group?.arn ?? callerArn), deps.config.course.bucket))
  const others = [
    ...inline
      .filter((policy) => policy !== studentPolicyName)
      .map((policy) => ({
        what: `policy ${policy}`,
        remove: () => iam.deleteGroupPolicy(name, policy),
      })),
    ...attached.map((policy) => ({
      what: `attached policy ${policy.name}`,
      remove: () => iam.detachGroupPolicy(name, policy.arn),
    })),
  ]
  const actions: SetupAction[] = [
    ...(group ? [] : [{ what: `create group ${name}`, act: () => iam.createGroup(name) }]),
    ...(await ownerTagActions(deps, members)),
    // Before the policy is written, since IAM counts the inline policies of a group together.
    ...(removeOthers ? others : []).map(({ what, remove }) => ({
      what: `remove ${what} of group ${name}`,
      act: remove,
    })),
    ...(isSamePolicy(found, wanted)
      ? []
      : [
          {
            what: `write policy ${studentPolicyName} of group ${name}`,
            act: () => iam.putGroupPolicy(name, studentPolicyName, wanted),
          },
        ]),
  ]
  if (!dryRun) for (const { what, act } of actions) await audited(deps, what, act)
  return {
    group: name,
    policy: studentPolicyName,
    actions: actions.map(({ what }) => what),
    difference: policyDiff(found, wanted),
    others: removeOthers ? [] : others.map(({ what }) => what),
  }
}
