/** STS: sessions of roles, with the trust policy judged, and whose credentials a request has. */

import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import { evaluatePolicies } from "./policy_evaluator.ts"
import { rolePrincipal, userPrincipal } from "./principals.ts"
import { AwsFault, type AwsRequest, type Form, queryReply, type Reply } from "./request.ts"
import { effectiveTrust } from "./roles.ts"
import type { World } from "./world.ts"
import { find, textAt } from "./xml.ts"

/** A session that AssumeRole has given. */
export interface SessionRecord {
  secret: string
  token: string
  roleName: string
  /** A role made anew under the same name has another one. */
  roleId: string
  name: string
  /** `arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME`. */
  arn: string
  sourceIdentity: string | null
  tags: Record<string, string>
  issuedUtcMs: UtcMs
  expiresUtcMs: UtcMs
  /** Given with the request, and limiting what the role allows. */
  policy: string | null
  /** Its own caller was a session of a role. */
  isChained: boolean
  hasDuration: boolean
}

const account = "123456789012"
const hourS = 3600

/** Who asks: the ARN of a session, an IAM user, or the account's own credentials. */
export async function callerArnOf(world: World, { accessKeyId }: AwsRequest): Promise<string> {
  const session = world.sessions.get(accessKeyId)
  if (session) return session.arn
  const key = world.accessKeys.get(accessKeyId)
  return key ? (await userPrincipal(world, key.user)).arn : world.knobs.own.arn
}

export async function getCallerIdentity(world: World, request: AwsRequest): Promise<Reply> {
  const session = world.sessions.get(request.accessKeyId)
  return queryReply("GetCallerIdentity", {
    Arn: await callerArnOf(world, request),
    UserId: session ? `${session.roleId}:${session.name}` : world.knobs.own.id,
    Account: account,
  })
}

export async function assumeRole(world: World, request: AwsRequest): Promise<Reply> {
  const { form } = request
  const name = form.get("RoleSessionName") ?? ""
  const sourceIdentity = form.get("SourceIdentity") ?? null
  const [, roleName = ""] =
    /^arn:aws:iam::\d{12}:role\/(?:.*\/)?([^/]+)$/.exec(form.get("RoleArn") ?? "") ?? []
  const callerArn = await callerArnOf(world, request)
  const refused = () =>
    new AwsFault(
      "AccessDenied",
      `User: ${callerArn} is not authorized to perform: sts:AssumeRole on resource: ${form.get("RoleArn")}`,
      403,
    )
  for (const value of [name, ...(sourceIdentity === null ? [] : [sourceIdentity])]) {
    if (!/^[\w+=,.@-]{2,64}$/.test(value)) throw validation(`'${value}' failed to satisfy the pattern`)
  }
  const found = await world.moto
    .query("iam", "us-east-1", "GetRole", { RoleName: roleName })
    .catch(() => null)
  const role = found && find(found, "GetRoleResult/Role")
  if (!role || textAt(role, "Arn") !== form.get("RoleArn")) throw refused()
  if (callerArn.endsWith(":root"))
    throw new AwsFault("AccessDenied", "Roles may not be assumed by root accounts.", 403)
  const isChained = callerArn.includes(":assumed-role/")
  const seconds = durationOf(form, Number(textAt(role, "MaxSessionDuration") || hourS), isChained)
  const tags = tagsOf(form)
  const trust = await effectiveTrust(world, roleName, textAt(role, "AssumeRolePolicyDocument"))
  for (const question of questionsOf(form, tags, name, sourceIdentity)) {
    const { allowed } = await evaluatePolicies(await identityPoliciesOf(world, request), {
      principalArn: callerArn,
      resource: textAt(role, "Arn"),
      resourcePolicy: trust,
      ...question,
    })
    if (!allowed) throw refused()
  }
  const accessKeyId = `ASIA${random(16)}`
  const issuedUtcMs = Math.floor(world.clock.now() / 1000) * 1000
  const session: SessionRecord = {
    secret: random(40),
    token: random(400),
    roleName,
    roleId: textAt(role, "RoleId"),
    name,
    arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${name}`,
    sourceIdentity,
    tags,
    issuedUtcMs: utcMsOf(issuedUtcMs),
    expiresUtcMs: utcMsOf(issuedUtcMs + seconds * 1000),
    policy: form.get("Policy") ?? null,
    isChained,
    hasDuration: form.get("DurationSeconds") !== undefined,
  }
  world.sessions.set(accessKeyId, session)
  return queryReply("AssumeRole", {
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: session.secret,
      SessionToken: session.token,
      Expiration: new Date(session.expiresUtcMs).toISOString(),
    },
    AssumedRoleUser: { Arn: session.arn, AssumedRoleId: `${session.roleId}:${name}` },
    SourceIdentity: sourceIdentity,
  })
}

/**
 * Throws for a request that was signed more than five minutes from now.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
 */
export function checkDate({ clock, knobs }: World, { headers, service }: AwsRequest): void {
  const signed = headers["x-amz-date"]?.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, "$1-$2-$3:$4:$5")
  if (!knobs.checksDates || signed === undefined) return
  const offMs = Date.parse(signed) - clock.now()
  if (Math.abs(offMs) <= 5 * 60_000) return
  if (service === "ec2")
    throw new AwsFault("RequestExpired", `Request has expired. Timestamp date is ${signed}.`, 400)
  const now = new Date(clock.now()).toISOString()
  const what =
    offMs < 0
      ? `Signature expired: ${signed} is now earlier than`
      : `Signature not yet current: ${signed} is still later than`
  throw new AwsFault("SignatureDoesNotMatch", `${what} ${now} (5 min.)`, 403)
}

/** Throws as a service does for a session's key that comes without its token, or after its end. */
export async function requireLiveSession(
  world: World,
  session: SessionRecord,
  request: AwsRequest,
): Promise<void> {
  const token = request.headers["x-amz-security-token"] ?? request.form.get("X-Amz-Security-Token")
  const { service } = request
  if (token !== session.token) {
    throw service === "ec2"
      ? new AwsFault("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
      : new AwsFault("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
  }
  if (world.clock.now() >= session.expiresUtcMs) {
    throw service === "ec2"
      ? new AwsFault("RequestExpired", "Request has expired.", 400)
      : new AwsFault("ExpiredToken", "The security token included in the request is expired", 403)
  }
  const role = await world.moto
    .query("iam", "us-east-1", "GetRole", { RoleName: session.roleName })
    .catch(() => null)
  if (role === null || textAt(role, "GetRoleResult/Role/RoleId") !== session.roleId)
    throw new AwsFault("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
}

function durationOf(form: Form, most: number, isChained: boolean): number {
  const asked = form.get("DurationSeconds")
  const seconds = asked === undefined ? hourS : Number(asked)
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 43_200)
    throw validation(`'durationSeconds' ${asked} is not between 900 and 43200`)
  if (seconds > most)
    throw validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
  if (isChained && seconds > hourS)
    throw validation(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    )
  return seconds
}

function tagsOf(form: Form): Record<string, string> {
  const members = form.members("Tags").map((tag) => [tag.get("Key") ?? "", tag.get("Value") ?? ""] as const)
  const keys = new Set(members.map(([key]) => key.toLowerCase()))
  if (keys.size < members.length)
    throw new AwsFault(
      "InvalidInput",
      "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
  for (const [key, value] of members) {
    if (
      !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(key) ||
      !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value)
    )
      throw validation(`tag '${key}' failed to satisfy the pattern`)
  }
  return Object.fromEntries(members)
}

/** What the trust policy is asked, each with the keys that STS offers for it. */
function questionsOf(form: Form, tags: Record<string, string>, name: string, sourceIdentity: string | null) {
  const keys = Object.keys(tags)
  const transitive = form.list("TransitiveTagKeys")
  const ofTags: Record<string, string | string[]> = {
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    ...(keys.length > 0 ? { "aws:TagKeys": keys } : {}),
    ...(transitive.length > 0 ? { "sts:TransitiveTagKeys": transitive } : {}),
  }
  const ofSource: Record<string, string> =
    sourceIdentity === null ? {} : { "sts:SourceIdentity": sourceIdentity }
  return [
    { action: "sts:AssumeRole", context: { ...ofTags, ...ofSource, "sts:RoleSessionName": name } },
    ...(keys.length > 0 ? [{ action: "sts:TagSession", context: ofTags }] : []),
    ...(sourceIdentity === null ? [] : [{ action: "sts:SetSourceIdentity", context: ofSource }]),
  ]
}

/** The account's own credentials may do everything. */
async function identityPoliciesOf(world: World, { accessKeyId }: AwsRequest): Promise<string[]> {
  const session = world.sessions.get(accessKeyId)
  if (session) return (await rolePrincipal(world, session)).policies
  const key = world.accessKeys.get(accessKeyId)
  if (key) return (await userPrincipal(world, key.user)).policies
  return ['{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}']
}

function validation(message: string): AwsFault {
  return new AwsFault("ValidationError", message, 400)
}

function random(length: number): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  return [...crypto.getRandomValues(new Uint8Array(length))].map((byte) => letters[byte % 32]).join("")
}
