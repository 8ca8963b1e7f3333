/** Who a request comes from, and the policies that hold for them, as moto keeps them. */
import type { SessionRecord } from "./sessions.ts"
import type { World } from "./world.ts"
import { findAll, textAt } from "./xml.ts"

export interface Principal {
  name: string
  arn: string
  policies: string[]
  context: Record<string, string | string[]>
}

/** A user's own policies and those of its groups, inline and attached; throws NoSuchEntity. */
export async function userPrincipal(world: World, name: string): Promise<Principal> {
  const iam = (action: string, fields: Record<string, string>) =>
    world.moto.query("iam", "us-east-1", action, fields)
  const user = await iam("GetUser", { UserName: name })
  const groups = findAll(
    await iam("ListGroupsForUser", { UserName: name }),
    "ListGroupsForUserResult/Groups/member/GroupName",
  ).map(({ text }) => text)
  const policies = [
    ...(await policiesOf(world, "User", name)),
    ...(await Promise.all(groups.map((group) => policiesOf(world, "Group", group)))).flat(),
  ]
  const tags = findAll(user, "GetUserResult/User/Tags/member")
  return {
    name,
    arn: textAt(user, "GetUserResult/User/Arn"),
    policies,
    context: {
      "aws:username": name,
      "aws:userid": textAt(user, "GetUserResult/User/UserId"),
      "aws:PrincipalArn": textAt(user, "GetUserResult/User/Arn"),
      "aws:SecureTransport": "true",
      ...Object.fromEntries(
        tags.map((tag) => [`aws:PrincipalTag/${textAt(tag, "Key")}`, textAt(tag, "Value")]),
      ),
    },
  }
}

/** A session: its role's policies, tags and the instant of its issue. Throws NoSuchEntity where the role is gone. */
export async function rolePrincipal(world: World, session: SessionRecord): Promise<Principal> {
  const { roleName, roleId, name, arn, tags, sourceIdentity, issuedUtcMs } = session
  const role = await world.moto.query("iam", "us-east-1", "GetRole", { RoleName: roleName })
  const ofRole = findAll(role, "GetRoleResult/Role/Tags/member").map(
    (tag) => [textAt(tag, "Key"), textAt(tag, "Value")] as const,
  )
  return {
    name,
    arn,
    policies: await policiesOf(world, "Role", roleName),
    context: {
      "aws:userid": `${roleId}:${name}`,
      "aws:PrincipalArn": textAt(role, "GetRoleResult/Role/Arn"),
      "aws:SecureTransport": "true",
      "aws:TokenIssueTime": new Date(issuedUtcMs).toISOString(),
      ...(sourceIdentity === null ? {} : { "aws:SourceIdentity": sourceIdentity }),
      ...Object.fromEntries(
        Object.entries({ ...Object.fromEntries(ofRole), ...tags }).map(([key, value]) => [
          `aws:PrincipalTag/${key}`,
          value,
        ]),
      ),
    },
  }
}

async function policiesOf(world: World, kind: "User" | "Group" | "Role", name: string): Promise<string[]> {
  const iam = (action: string, fields: Record<string, string>) =>
    world.moto.query("iam", "us-east-1", action, fields)
  const holder = { [`${kind}Name`]: name }
  const inline = await iam(`List${kind}Policies`, holder)
  const attached = await iam(`ListAttached${kind}Policies`, holder)
  const documents: string[] = []
  for (const { text } of findAll(inline, `List${kind}PoliciesResult/PolicyNames/member`)) {
    const policy = await iam(`Get${kind}Policy`, { ...holder, PolicyName: text })
    documents.push(decodeURIComponent(textAt(policy, `Get${kind}PolicyResult/PolicyDocument`)))
  }
  for (const member of findAll(
    attached,
    `ListAttached${kind}PoliciesResult/AttachedPolicies/member/PolicyArn`,
  )) {
    const policy = await iam("GetPolicy", { PolicyArn: member.text })
    const version = await iam("GetPolicyVersion", {
      PolicyArn: member.text,
      VersionId: textAt(policy, "GetPolicyResult/Policy/DefaultVersionId"),
    })
    documents.push(decodeURIComponent(textAt(version, "GetPolicyVersionResult/PolicyVersion/Document")))
  }
  return documents
}
