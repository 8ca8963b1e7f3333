/**
 * The role that students' sessions are of: its name, and who may assume it as whom.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
 */
import { tagOf } from "../../base/instance.ts"
import type { Account, Condition } from "./policy_document.ts"

export function studentRoleName(course: string): string {
  return `${course}-student`
}

export function studentRolePath(course: string): string {
  return `/${course}/`
}

export function studentRoleArn({ partition, id }: Account, course: string): string {
  return `arn:${partition}:iam::${id}:role${studentRolePath(course)}${studentRoleName(course)}`
}

/** The role's other inline policy, besides the students': whose sessions are denied (session_denials.ts). */
export const denialPolicyName = "ec2-wrappers-suspended"

/** What IAM allows for all inline policies of a role together, in characters without white space. */
export const rolePolicyRoom = 10_240

/** What AssumeRole asks of the role's trust, each with its own condition keys. */
export const sessionActions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] as const

export interface TrustDocument {
  Version: "2012-10-17"
  Statement: {
    Sid: string
    Effect: "Allow"
    Principal: { AWS: string }
    Action: (typeof sessionActions)[number]
    Condition: Condition
  }[]
}

const ownerKey = `aws:RequestTag/${tagOf.owner}`
const asked = `\${${ownerKey}}`
/** `ForAllValues` is true where there are no tags at all: the owner tag must be there, and no second one. */
const onlyTheOwnerTag = {
  "ForAllValues:StringEquals": { "aws:TagKeys": [tagOf.owner] },
  Null: { [ownerKey]: "false", "sts:TransitiveTagKeys": "true" },
}

/**
 * Only our own principal may assume the role, and only as the login that the session is tagged with: the session's name, its source
 * identity and the tag are one. Conditions name only keys that STS knows for the action, since another one is never true.
 *
 * @param principalArn of the user or role whose credentials these tools use. IAM stores its id, so that a user or role made anew under
 *   the same name is another principal.
 */
export function trustPolicy(principalArn: string): TrustDocument {
  const allow = (Sid: string, Action: (typeof sessionActions)[number], Condition: Condition) =>
    ({ Sid, Effect: "Allow", Principal: { AWS: principalArn }, Action, Condition }) as const
  return {
    Version: "2012-10-17",
    Statement: [
      allow("AsTheLoginOfTheTag", "sts:AssumeRole", {
        StringEquals: { "sts:RoleSessionName": asked, "sts:SourceIdentity": asked },
        ...onlyTheOwnerTag,
      }),
      allow("WithTheOwnerTag", "sts:TagSession", onlyTheOwnerTag),
      allow("WithASourceIdentity", "sts:SetSourceIdentity", { Null: { "sts:SourceIdentity": "false" } }),
    ],
  }
}

/** Whether these credentials are a role's: then STS gives an hour, and only without being asked for a duration. */
export function isRoleSession(callerArn: string): boolean {
  return /^arn:[^:]+:sts::\d+:assumed-role\//.test(callerArn)
}
