/**
 * Roles as IAM keeps them: a trust policy stores the *ids* of its principals, so that one made anew under the same name is
 * another principal, and GetRole then shows the old id; and the sizes that inline policies may have.
 */

import { parsed } from "./moto_client.ts"
import { AwsFault, type AwsRequest, type Reply } from "./request.ts"
import type { World } from "./world.ts"
import { find, setChild, textAt, writeXml } from "./xml.ts"

type Document = { Statement: { Principal?: { AWS?: string | string[] } }[] }

/** What all inline policies of a holder may have together, white space not counted. */
const roomOf = { Role: 10_240, Group: 5_120, User: 2_048 } as const

/** CreateRole and UpdateAssumeRolePolicy: refuses principals that do not exist, and remembers the ids of those that do. */
export async function rememberPrincipals(world: World, { form, action }: AwsRequest): Promise<undefined> {
  const text = form.get(action === "CreateRole" ? "AssumeRolePolicyDocument" : "PolicyDocument") ?? "{}"
  const ids = new Map<string, string>()
  for (const arn of principalsOf(JSON.parse(text))) {
    const id = await idOf(world, arn)
    if (id === null)
      throw new AwsFault("MalformedPolicyDocument", `Invalid principal in policy: "AWS":"${arn}"`, 400)
    ids.set(arn, id)
  }
  world.trustedIds.set(form.get("RoleName") ?? "", ids)
}

export async function getRole(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  if (reply.status >= 300) return reply
  const document = parsed(reply)
  const role = find(document, "GetRoleResult/Role")
  if (!role) return reply
  const trust = textAt(role, "AssumeRolePolicyDocument")
  setChild(
    role,
    "AssumeRolePolicyDocument",
    encodeURIComponent(await effectiveTrust(world, request.form.get("RoleName") ?? "", trust)),
  )
  return { ...reply, body: writeXml(document) }
}

/** The trust policy with the old id in place of a principal that is not the one that it was written for. */
export async function effectiveTrust(world: World, roleName: string, encoded: string): Promise<string> {
  let text = decodeURIComponent(encoded)
  for (const [arn, id] of world.trustedIds.get(roleName) ?? []) {
    if ((await idOf(world, arn)) !== id) text = text.replaceAll(JSON.stringify(arn), JSON.stringify(id))
  }
  return text
}

/** PutRolePolicy, PutGroupPolicy and PutUserPolicy: LimitExceeded where the inline policies would not fit. */
export async function checkPolicyRoom(world: World, { form, action }: AwsRequest): Promise<undefined> {
  const kind = (/^Put(Role|Group|User)Policy$/.exec(action)?.[1] ?? "Role") as keyof typeof roomOf
  const holder = { [`${kind}Name`]: form.get(`${kind}Name`) ?? "" }
  const ask = (name: string, more: Record<string, string> = {}) =>
    world.moto.query("iam", "us-east-1", name, { ...holder, ...more })
  const listed = await ask(`List${kind}Policies`)
  const names = (find(listed, `List${kind}PoliciesResult/PolicyNames`)?.children ?? []).map(
    ({ text }) => text,
  )
  let size = sizeOf(form.get("PolicyDocument") ?? "")
  for (const name of names.filter((other) => other !== form.get("PolicyName"))) {
    const policy = await ask(`Get${kind}Policy`, { PolicyName: name })
    size += sizeOf(decodeURIComponent(textAt(policy, `Get${kind}PolicyResult/PolicyDocument`)))
  }
  if (size > roomOf[kind]) {
    const message = `Maximum policy size of ${roomOf[kind]} bytes exceeded for ${kind.toLowerCase()} ${Object.values(holder)[0]}`
    throw new AwsFault("LimitExceeded", message, 409)
  }
}

const sizeOf = (text: string) => text.replace(/\s/g, "").length

function principalsOf({ Statement }: Document): string[] {
  return [...new Set(Statement.flatMap(({ Principal }) => Principal?.AWS ?? []))].filter(
    (principal) => principal.startsWith("arn:") && !principal.endsWith(":root"),
  )
}

/** The id of a user or role; null where there is none. */
async function idOf(world: World, arn: string): Promise<string | null> {
  const { own } = world.knobs
  const ownRole = /^arn:aws:sts::(\d+):assumed-role\/([^/]+)\//.exec(own.arn)
  if (arn === own.arn || (ownRole && arn === `arn:aws:iam::${ownRole[1]}:role/${ownRole[2]}`)) return own.id
  const [, kind, name = ""] = /^arn:aws:iam::\d{12}:(user|role)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? []
  const what = kind === "user" ? "User" : "Role"
  const found = await world.moto
    .query("iam", "us-east-1", `Get${what}`, { [`${what}Name`]: name })
    .catch(() => null)
  return found && textAt(found, `Get${what}Result/${what}/${what}Id`)
}
