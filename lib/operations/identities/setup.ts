/** The IAM group that all students are in, and its policy: looked at, and brought to what they should be. */

import { policyDiff } from "../../decisions/identities/policy_diff.ts"
import { accountOfArn, isSamePolicy, policyText } from "../../decisions/identities/policy_document.ts"
import { groupPolicy, groupPolicyName } from "../../decisions/identities/student_policy.ts"
import { audited, type IdentityDeps, iamOf } from "./deps.ts"

export type SetupDeps = Pick<IdentityDeps, "aws" | "audit" | "config" | "actor" | "login">

export interface SetupOptions {
  dryRun: boolean
  /** Remove policies of the group that are not ours: whatever they allow, students may do. */
  removeOthers: boolean
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
  const [found, inline, attached] = group
    ? await Promise.all([
        iam.groupPolicy(name, groupPolicyName),
        iam.groupPolicies(name),
        iam.attachedGroupPolicies(name),
      ])
    : ([null, [], []] as const)
  const wanted = policyText(groupPolicy(accountOfArn(group?.arn ?? callerArn)))
  const others = [
    ...inline
      .filter((policy) => policy !== groupPolicyName)
      .map((policy) => ({
        what: `policy ${policy}`,
        remove: () => iam.deleteGroupPolicy(name, policy),
      })),
    ...attached.map((policy) => ({
      what: `attached policy ${policy.name}`,
      remove: () => iam.detachGroupPolicy(name, policy.arn),
    })),
  ]
  const actions = [
    ...(group ? [] : [{ what: `create group ${name}`, act: () => iam.createGroup(name) }]),
    // First, since IAM counts the inline policies of a group together.
    ...(removeOthers ? others : []).map(({ what, remove }) => ({
      what: `remove ${what} of group ${name}`,
      act: remove,
    })),
    ...(isSamePolicy(found, wanted)
      ? []
      : [
          {
            what: `write policy ${groupPolicyName} of group ${name}`,
            act: () => iam.putGroupPolicy(name, groupPolicyName, wanted),
          },
        ]),
  ]
  if (!dryRun) for (const { what, act } of actions) await audited(deps, what, act)
  return {
    group: name,
    policy: groupPolicyName,
    actions: actions.map(({ what }) => what),
    difference: policyDiff(found, wanted),
    others: removeOthers ? [] : others.map(({ what }) => what),
  }
}
