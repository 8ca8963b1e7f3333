import { expect, test } from "bun:test"
import { policyDiff } from "../../../lib/decisions/identities/policy_diff.ts"

const policy = (action: string) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: action, Resource: "*" }] })

test("policies that say the same differ in nothing", () => {
  expect(policyDiff(policy("ec2:Describe*"), policy("ec2:Describe*"))).toBe("")
  const otherOrder =
    '{"Statement":[{"Resource":"*","Action":"ec2:Describe*","Effect":"Allow"}],"Version":"2012-10-17"}'
  expect(policyDiff(otherOrder, policy("ec2:Describe*"))).toBe("")
})

test("a difference shows what goes and what comes", () => {
  const lines = policyDiff(policy("ec2:RunInstances"), policy("ec2:Describe*")).split("\n")
  expect(lines.slice(0, 2).map((line) => line.split("\t")[0])).toEqual(["--- at AWS", "+++ wanted"])
  expect(lines.filter((line) => /^[-+] /.test(line)).map((line) => line.replace(/\s+/g, " "))).toEqual([
    '- "Action": "ec2:RunInstances",',
    '+ "Action": "ec2:Describe*",',
  ])
})

test("a policy that is not there yet is all new", () => {
  const lines = policyDiff(null, policy("ec2:Describe*")).split("\n").slice(3)
  expect(lines.length).toBeGreaterThan(5)
  expect(lines.filter((line) => !line.startsWith("+"))).toEqual([])
})
