import { expect, test } from "bun:test"
import { evaluatePolicies } from "./policy_evaluator.ts"

const instance = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"
const ownOnly = JSON.stringify({
  Version: "2012-10-17",
  Statement: {
    Effect: "Allow",
    Action: "ec2:TerminateInstances",
    Resource: "arn:aws:ec2:*:123456789012:instance/*",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM's policy variable
    Condition: { StringEquals: { "aws:ResourceTag/owner": "${aws:username}" } },
  },
})
const ask = (owner: string | null, policies = [ownOnly]) =>
  evaluatePolicies(policies, {
    principalArn: "arn:aws:iam::123456789012:user/cs61c/cs61c-aa",
    action: "ec2:TerminateInstances",
    resource: instance,
    context: owner === null ? {} : { "aws:ResourceTag/owner": owner },
  })

test("the evaluator honours conditions, policy variables and the absence of a tag", async () => {
  expect(await ask("cs61c-aa")).toMatchObject({ allowed: true, ignoredContextKeys: [] })
  expect(await ask("cs61c-ab")).toMatchObject({ allowed: false, decision: "ImplicitlyDenied" })
  expect(await ask(null)).toMatchObject({ allowed: false, decision: "ImplicitlyDenied" })
})

test("the evaluator lets a denial win", async () => {
  const deny = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Deny", Action: "*", Resource: "*" },
  })
  expect(await ask("cs61c-aa", [ownOnly, deny])).toMatchObject({ decision: "ExplicitlyDenied" })
})

test("the evaluator takes an action that AWS does not have for an error", async () => {
  const question = { principalArn: "arn:aws:iam::123456789012:user/a", action: "ec2:TerminateAll" }
  await expect(evaluatePolicies([ownOnly], question)).rejects.toThrow("invalid.action")
})
