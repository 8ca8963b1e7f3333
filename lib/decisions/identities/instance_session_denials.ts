/**
 * Which instances' sessions an instance profile's role denies everything. An instance signs its requests as `ROLEID:i-…`
 * (`aws:userid`), so that a denial of these names reaches no other instance of the same role.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
 */
import { type PolicyDocument, policySize } from "./policy_document.ts"

/** A course's own policy of the role, beside those of whoever made the role; other courses may use the same role. */
export function instanceDenialPolicyName(course: string): string {
  return `ec2-wrappers-suspended-${course}`
}

/** AWS's credentials of an instance profile live 6 hours; what has ended is denied for as long, twice over. */
export const instanceSessionMs = 12 * 3_600_000

export interface InstanceSessionDenials {
  /** Null: no instance is denied. */
  document: PolicyDocument | null
  /** Instances that did not fit. */
  left: string[]
}

/**
 * @param roleId `AROA…`.
 * @param instanceIds those that matter most first: they are the last to be left out.
 * @param room characters that IAM has left for this policy, white space not counted.
 */
export function instanceSessionDenials(
  roleId: string,
  instanceIds: readonly string[],
  room: number,
): InstanceSessionDenials {
  const documentOf = (ids: readonly string[]): PolicyDocument => ({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "InstancesOfSuspendedLogins",
        Effect: "Deny",
        Action: ["*"],
        Resource: ["*"],
        Condition: { StringEquals: { "aws:userid": ids.map((id) => `${roleId}:${id}`).toSorted() } },
      },
    ],
  })
  const kept = [...instanceIds]
  while (kept.length > 0 && policySize(documentOf(kept)) > room) kept.pop()
  return {
    document: kept.length === 0 ? null : documentOf(kept),
    left: instanceIds.slice(kept.length),
  }
}

/** The name of a profile that the config lists by name or by ARN, as IAM's calls take it. */
export function profileNameOf(listed: string): string {
  return listed.startsWith("arn:") ? (listed.split("/").at(-1) ?? listed) : listed
}
