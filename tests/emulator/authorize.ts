/**
 * Whether a request by an IAM user's key or a role's session is allowed, evaluated as AWS does: each resource that a call touches with its tags, and
 * tagging at creation as a second question. Keys that the proxy has not seen made are the account's own and may do everything.
 */
import { evaluatePolicies } from "./policy_evaluator.ts"
import { type Principal, rolePrincipal, userPrincipal } from "./principals.ts"
import { AwsFault, type AwsRequest, type Form } from "./request.ts"
import { s3Question } from "./s3_requests.ts"
import { requireLiveSession } from "./sessions.ts"
import type { World } from "./world.ts"
import { findAll, textAt } from "./xml.ts"

const account = "123456789012"

export interface Question {
  action: string
  resource: string
  context: Record<string, string | string[]>
}

/** Throws as the service would. */
export async function authorize(world: World, request: AwsRequest): Promise<void> {
  const session = world.sessions.get(request.accessKeyId)
  if (session) {
    await requireLiveSession(world, session, request)
    if (isAlwaysAllowed(world, request)) return
    return requireAllowed(world, request, await rolePrincipal(world, session), session.policy)
  }
  const key = world.accessKeys.get(request.accessKeyId)
  if (!key) return
  const isWorking = world.clock.now() >= key.createdAtUtcMs + world.knobs.keyDelayMs
  if (!isWorking || !(await isActive(world, key.user, request.accessKeyId))) throw unknownKey(request)
  if (isAlwaysAllowed(world, request)) return
  await requireAllowed(world, request, await userPrincipal(world, key.user), null)
}

function isAlwaysAllowed(world: World, { service, action }: AwsRequest): boolean {
  // AssumeRole is judged by the role's trust as well, and so where it is answered.
  return (
    !world.knobs.enforcePolicies || (service === "sts" && /^(GetCallerIdentity|AssumeRole)$/.test(action))
  )
}

async function requireAllowed(
  world: World,
  request: AwsRequest,
  principal: Principal,
  sessionPolicy: string | null,
): Promise<void> {
  for (const question of await questionsOf(world, request, principal.arn)) {
    const context = { ...principal.context, "aws:RequestedRegion": request.region, ...question.context }
    const { allowed } = await evaluatePolicies(principal.policies, {
      ...question,
      principalArn: principal.arn,
      sessionPolicy,
      context,
    })
    if (!allowed) throw denied(request, principal.arn, question)
  }
}

async function isActive(world: World, user: string, keyId: string): Promise<boolean> {
  const keys = await world.moto
    .query("iam", "us-east-1", "ListAccessKeys", { UserName: user })
    .catch(() => null)
  return (
    keys !== null &&
    findAll(keys, "ListAccessKeysResult/AccessKeyMetadata/member").some(
      (member) => textAt(member, "AccessKeyId") === keyId && textAt(member, "Status") === "Active",
    )
  )
}

function unknownKey({ service }: AwsRequest): AwsFault {
  return service === "ec2"
    ? new AwsFault("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    : new AwsFault("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
}

function denied({ service }: AwsRequest, arn: string, { action, resource }: Question): AwsFault {
  const because = `because no identity-based policy allows the ${action} action`
  return service === "ec2"
    ? new AwsFault(
        "UnauthorizedOperation",
        `You are not authorized to perform this operation. User: ${arn} is not authorized to perform: ${action} on resource: ${resource} ${because}.`,
        403,
      )
    : new AwsFault(
        "AccessDenied",
        `User: ${arn} is not authorized to perform: ${action} on resource: ${resource} ${because}`,
        403,
      )
}

/** All that must be allowed for a request to go through. */
async function questionsOf(world: World, request: AwsRequest, callerArn: string): Promise<Question[]> {
  const action = `${request.service}:${request.action}`
  if (request.service === "iam")
    return [{ action, resource: await iamResource(world, request.form, callerArn), context: {} }]
  if (request.service === "s3") return [s3Question(request)]
  if (request.service !== "ec2") return [{ action, resource: "*", context: {} }]
  const requestTags = requestTagsOf(request)
  const resources = await ec2Resources(world, request)
  const questions = resources.map(({ arn, context }) => ({
    action,
    resource: arn,
    context: { ...context, ...requestTags },
  }))
  const tagged = request.form.members("TagSpecification").map((specification) => ({
    action: "ec2:CreateTags",
    resource: `arn:aws:ec2:${request.region}:${account}:${specification.get("ResourceType")}/*`,
    context: { ...requestTags, "ec2:CreateAction": request.action },
  }))
  return [...questions, ...tagged]
}

/** Parameters that name a resource, and its kind in ARNs. */
const named: [parameter: string, kind: string][] = [
  ["InstanceId", "instance"],
  ["GroupId", "security-group"],
  ["SecurityGroupId", "security-group"],
  ["VolumeId", "volume"],
  ["SnapshotId", "snapshot"],
  ["ImageId", "image"],
  ["SubnetId", "subnet"],
  ["VpcId", "vpc"],
  ["NetworkInterfaceId", "network-interface"],
  ["AllocationId", "elastic-ip"],
  ["SpotInstanceRequestId", "spot-instances-request"],
  ["KeyName", "key-pair"],
]

/** What a call makes, where it makes something. */
const made: Record<string, string[]> = {
  RunInstances: ["instance", "volume", "network-interface"],
  CreateSecurityGroup: ["security-group"],
  CreateVolume: ["volume"],
  CreateImage: ["image"],
  CreateSnapshot: ["snapshot"],
  AllocateAddress: ["elastic-ip"],
  RequestSpotInstances: ["spot-instances-request"],
}

/** Reading that AWS cannot restrict to resources. */
const describes = /^(Describe(?!InstanceAttribute$|LaunchTemplateVersions$)|GetSpot)/

async function ec2Resources(world: World, { action, form, region }: AwsRequest) {
  const everything = [{ arn: "*", context: {} }]
  if (describes.test(action)) return everything
  const arnOf = (kind: string, id: string) =>
    `arn:aws:ec2:${region}:${kind === "image" ? "" : account}:${kind}/${id}`
  const ids: [string, string][] = [
    ...named.flatMap(([parameter, kind]) =>
      [...form.list(parameter), form.get(parameter) ?? []].flat().map((id): [string, string] => [kind, id]),
    ),
    ...form.list("ResourceId").map((id): [string, string] => [kindOf(id), id]),
  ]
  const existing = await Promise.all(
    ids.map(async ([kind, id]) => ({ arn: arnOf(kind, id), context: await resourceTags(world, region, id) })),
  )
  const created = (made[action] ?? []).map((kind) => ({
    arn: arnOf(kind, "*"),
    context: { "ec2:InstanceType": form.get("InstanceType") ?? "" },
  }))
  const all = [...existing, ...created]
  return all.length > 0 ? all : everything
}

function kindOf(id: string): string {
  const kinds: Record<string, string> = {
    i: "instance",
    vol: "volume",
    sg: "security-group",
    eni: "network-interface",
    snap: "snapshot",
    sir: "spot-instances-request",
    key: "key-pair",
  }
  return kinds[id.split("-")[0] ?? ""] ?? "resource"
}

async function resourceTags(world: World, region: string, id: string): Promise<Record<string, string>> {
  const document = await world.moto.query("ec2", region, "DescribeTags", {
    "Filter.1.Name": "resource-id",
    "Filter.1.Value.1": id,
  })
  return Object.fromEntries(
    findAll(document, "tagSet/item").flatMap((tag) =>
      ["aws", "ec2"].map((prefix) => [`${prefix}:ResourceTag/${textAt(tag, "key")}`, textAt(tag, "value")]),
    ),
  )
}

function requestTagsOf({ form, action }: AwsRequest): Record<string, string | string[]> {
  const members = [
    ...(action === "CreateTags" || action === "DeleteTags" ? form.members("Tag") : []),
    ...form.members("TagSpecification").flatMap((specification) => specification.members("Tag")),
  ]
  if (members.length === 0) return {}
  return {
    "aws:TagKeys": members.map((tag) => tag.get("Key") ?? ""),
    ...Object.fromEntries(members.map((tag) => [`aws:RequestTag/${tag.get("Key")}`, tag.get("Value") ?? ""])),
  }
}

async function iamResource(world: World, form: Form, callerArn: string): Promise<string> {
  const user = form.get("UserName")
  const group = form.get("GroupName")
  if (user === undefined && group === undefined) return callerArn
  if (user === undefined) return `arn:aws:iam::${account}:group/${group}`
  const found = await world.moto.query("iam", "us-east-1", "GetUser", { UserName: user }).catch(() => null)
  return found === null ? `arn:aws:iam::${account}:user/${user}` : textAt(found, "GetUserResult/User/Arn")
}
