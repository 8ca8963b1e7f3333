/** IAM's documented refusals and answers that moto leaves out. */

import { utcMsOf } from "../../lib/base/time.ts"
import { parsed } from "./moto_client.ts"
import { evaluatePolicies, type PolicyQuestion } from "./policy_evaluator.ts"
import { userPrincipal } from "./principals.ts"
import { AwsFault, type AwsRequest, type Form, queryReply, type Reply } from "./request.ts"
import type { World } from "./world.ts"
import { type Element, findAll, itemsOf, textAt } from "./xml.ts"

const region = "us-east-1"

/** What a user may still have when it is to be deleted, in the order in which AWS complains. */
const dependents: [listing: string, path: string, complaint: string][] = [
  ["ListAccessKeys", "AccessKeyMetadata/member", "must delete access keys first."],
  ["ListSigningCertificates", "Certificates/member", "must delete signing certificates first."],
  ["ListMFADevices", "MFADevices/member", "must delete MFA device first."],
  ["ListSSHPublicKeys", "SSHPublicKeys/member", "must delete SSH public keys first."],
  ["ListUserPolicies", "PolicyNames/member", "must delete policies first."],
  ["ListAttachedUserPolicies", "AttachedPolicies/member", "must detach all policies first."],
  ["ListGroupsForUser", "Groups/member", "must remove users from group first."],
]

/** IAM's names are unique whatever their case: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export async function checkUserName(world: World, { form }: AwsRequest): Promise<undefined> {
  const name = form.get("UserName") ?? ""
  const users = await allUsers(world, undefined)
  if (!users.some((user) => textAt(user, "UserName").toLowerCase() === name.toLowerCase())) return
  throw new AwsFault("EntityAlreadyExists", `User with name ${name} already exists.`, 409)
}

export async function checkUserDeletable(world: World, { form }: AwsRequest): Promise<undefined> {
  const UserName = form.get("UserName") ?? ""
  await world.moto.query("iam", region, "GetUser", { UserName })
  const complain = (complaint: string) => {
    throw new AwsFault("DeleteConflict", `Cannot delete entity, ${complaint}`, 409)
  }
  const profile = await world.moto.query("iam", region, "GetLoginProfile", { UserName }).catch(() => null)
  if (profile) complain("must delete login profile first.")
  for (const [listing, path, complaint] of dependents) {
    const listed = await world.moto.query("iam", region, listing, { UserName }).catch((error: unknown) => {
      if (error instanceof AwsFault && error.status < 500) return null // moto does not know the listing
      throw error
    })
    if (listed && findAll(listed, `${listing}Result/${path}`).length > 0) complain(complaint)
  }
}

export async function checkGroupDeletable(world: World, { form }: AwsRequest): Promise<undefined> {
  const GroupName = form.get("GroupName") ?? ""
  const group = await world.moto.query("iam", region, "GetGroup", { GroupName })
  if (findAll(group, "GetGroupResult/Users/member").length > 0) {
    throw new AwsFault("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409)
  }
  const inline = await world.moto.query("iam", region, "ListGroupPolicies", { GroupName })
  if (findAll(inline, "ListGroupPoliciesResult/PolicyNames/member").length > 0) {
    throw new AwsFault("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
  }
}

/** Refuses a password that the account's policy, or AWS's default one, does not allow. */
export async function checkPassword(world: World, { form, action }: AwsRequest): Promise<Reply | undefined> {
  const password = form.get("Password")
  // moto takes an update without a password for one that removes it.
  if (password === undefined) return action === "UpdateLoginProfile" ? queryReply(action, {}) : undefined
  const policy = await world.moto.query("iam", region, "GetAccountPasswordPolicy").catch(() => null)
  const rule = (name: string) =>
    policy ? textAt(policy, `GetAccountPasswordPolicyResult/PasswordPolicy/${name}`) : undefined
  const kinds: [rule: string, pattern: RegExp, what: string][] = [
    ["RequireUppercaseCharacters", /[A-Z]/, "uppercase letter"],
    ["RequireLowercaseCharacters", /[a-z]/, "lowercase letter"],
    ["RequireNumbers", /[0-9]/, "number"],
    ["RequireSymbols", /[!@#$%^&*()_+\-=[\]{}|']/, "symbol"],
  ]
  const minimum = Number(rule("MinimumPasswordLength") ?? 8)
  const violated = (what: string) => {
    throw new AwsFault("PasswordPolicyViolation", `Password should have ${what}`, 400)
  }
  if (password.length < minimum) violated(`a minimum length of ${minimum}`)
  if (!policy && kinds.filter(([, pattern]) => pattern.test(password)).length < 3) {
    violated("at least three of: uppercase letters, lowercase letters, numbers, symbols")
  }
  for (const [name, pattern, what] of policy ? kinds : []) {
    if (rule(name)?.toLowerCase() === "true" && !pattern.test(password)) violated(`at least one ${what}`)
  }
  return undefined
}

const defaultPage = 100

/** ListUsers in pages of 100 or MaxItems, as IAM does. */
export async function listUsers(world: World, request: AwsRequest): Promise<Reply> {
  const PathPrefix = request.form.get("PathPrefix")
  const users = await allUsers(world, PathPrefix)
  const from = Number(request.form.get("Marker") ?? 0)
  const to = from + Math.min(Number(request.form.get("MaxItems") ?? defaultPage), 1000)
  return queryReply("ListUsers", {
    Users: users.slice(from, to),
    IsTruncated: to < users.length,
    Marker: to < users.length ? String(to) : null,
  })
}

async function allUsers(world: World, pathPrefix: string | undefined): Promise<Element[]> {
  const document = await world.moto.query("iam", region, "ListUsers", {
    MaxItems: "1000",
    ...(pathPrefix === undefined ? {} : { PathPrefix: pathPrefix }),
  })
  const users = findAll(document, "ListUsersResult/Users/member")
  return users.filter((user) => textAt(user, "Path").startsWith(pathPrefix ?? "/"))
}

/** Remembers whose a new access key is, and since when. */
export async function createAccessKey(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  if (reply.status >= 300) return reply
  const document = parsed(reply)
  world.accessKeys.set(textAt(document, "CreateAccessKeyResult/AccessKey/AccessKeyId"), {
    user: textAt(document, "CreateAccessKeyResult/AccessKey/UserName"),
    createdAtUtcMs: utcMsOf(world.clock.now()),
  })
  return reply
}

export async function simulatePrincipalPolicy(world: World, { form }: AwsRequest): Promise<Reply> {
  const source = form.get("PolicySourceArn") ?? ""
  const [, user] = /^arn:aws:iam::\d+:user\/(?:.*\/)?([^/]+)$/.exec(source) ?? []
  if (user === undefined)
    throw new AwsFault(
      "InvalidInput",
      `Invalid Entity Arn: ${source} does not clearly define entity type and name.`,
    )
  const principal = await userPrincipal(world, user)
  const policies = [...principal.policies, ...form.list("PolicyInputList")]
  const context = { ...principal.context, ...contextOf(form) }
  const resources = form.list("ResourceArns")
  const questions = form
    .list("ActionNames")
    .flatMap((action) => (resources.length > 0 ? resources : ["*"]).map((resource) => ({ action, resource })))
  const results = await Promise.all(
    questions.map(async ({ action, resource }) => ({
      EvalActionName: action,
      EvalResourceName: resource,
      EvalDecision: await decisionOn(policies, { principalArn: principal.arn, action, resource, context }),
      MatchedStatements: [],
      MissingContextValues: [],
    })),
  )
  return queryReply("SimulatePrincipalPolicy", {
    IsTruncated: false,
    EvaluationResults: itemsOf(results, "member"),
  })
}

const decisions: Record<string, string> = {
  Allowed: "allowed",
  ExplicitlyDenied: "explicitDeny",
  ImplicitlyDenied: "implicitDeny",
}

async function decisionOn(policies: string[], question: PolicyQuestion): Promise<string> {
  const { decision } = await evaluatePolicies(policies, question)
  return decisions[decision] ?? decision
}

function contextOf(form: Form): Record<string, string[]> {
  return Object.fromEntries(
    form
      .members("ContextEntries")
      .map((entry) => [entry.get("ContextKeyName") ?? "", entry.list("ContextKeyValues")]),
  )
}
