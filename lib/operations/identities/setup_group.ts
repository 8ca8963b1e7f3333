/**
 * The IAM group of students with access keys, its members' owner tags and its policy. The tags come before the policy that goes by
 * them: killed anywhere, nobody is locked out and nobody has more than before.
 */
import { usesMode } from "../../decisions/identities/credential_mode.ts"
import { policyDiff } from "../../decisions/identities/policy_diff.ts"
import { accountOfArn, isSamePolicy, policyText } from "../../decisions/identities/policy_document.ts"
import { studentPolicy, studentPolicyName } from "../../decisions/identities/student_policy.ts"
import { iamOf } from "./deps.ts"
import { ownerTagActions } from "./owner_tags.ts"
import type { OtherPolicy, SetupAction, SetupDeps } from "./setup_plan.ts"

export interface GroupPlan {
  actions: SetupAction[]
  /** Unified diff from the policy found to the one wanted; "" where they say the same. */
  difference: string
  others: OtherPolicy[]
}

/** What the group lacks. Where no login has keys it is not made, and where it exists it is kept: others may still use it. */
export async function planGroup(
  deps: SetupDeps,
  { callerArn, removeOthers }: { callerArn: string; removeOthers: boolean },
): Promise<GroupPlan> {
  const iam = await iamOf(deps)
  const { iamGroup: name, bucket } = deps.config.course
  const group = await iam.group(name)
  if (!group && !usesMode(deps.config, "keys")) return { actions: [], difference: "", others: [] }
  const [found, inline, attached, members] = group
    ? await Promise.all([
        iam.groupPolicy(name, studentPolicyName),
        iam.groupPolicies(name),
        iam.attachedGroupPolicies(name),
        iam.groupMembers(name),
      ])
    : ([null, [], [], []] as const)
  const wanted = policyText(
    studentPolicy(accountOfArn(group?.arn ?? callerArn), bucket, Object.keys(deps.config.launch.tags)),
  )
  const others: OtherPolicy[] = [
    ...inline
      .filter((policy) => policy !== studentPolicyName)
      .map((policy) => ({
        what: `policy ${policy}`,
        remove: () => iam.deleteGroupPolicy(name, policy),
      })),
    ...attached.map((policy) => ({
      holder: `group ${name}`,
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
  return { actions, difference: policyDiff(found, wanted), others: removeOthers ? [] : others }
}
