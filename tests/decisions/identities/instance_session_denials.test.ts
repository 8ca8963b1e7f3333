import { describe, expect, test } from "bun:test"
import {
  instanceSessionDenials,
  profileNameOf,
} from "../../../lib/decisions/identities/instance_session_denials.ts"
import { policySize } from "../../../lib/decisions/identities/policy_document.ts"
import { evaluatePolicies } from "../../emulator/policy_evaluator.ts"

const roleId = "AROA23456789ABCDEFGH1"
const works = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["s3:*", "sts:AssumeRole"], Resource: ["*"] }],
})

/** Whether an instance's session of the role may read an object. */
async function isAllowed(document: unknown, instance: string, id = roleId): Promise<boolean> {
  const { allowed, ignoredContextKeys } = await evaluatePolicies(
    [works, ...(document ? [JSON.stringify(document)] : [])],
    {
      principalArn: `arn:aws:sts::123456789012:assumed-role/cluster/${instance}`,
      action: "s3:GetObject",
      resource: "arn:aws:s3:::cs61c/cs61c-ab/input",
      context: {
        "aws:userid": `${id}:${instance}`,
        "aws:PrincipalArn": "arn:aws:iam::123456789012:role/cluster",
      },
    },
  )
  expect(ignoredContextKeys).not.toContain("aws:userid")
  return allowed
}

describe("the denials of instances' sessions", () => {
  test("are none where no instance is denied", () => {
    expect(instanceSessionDenials(roleId, [], 10_240)).toEqual({ document: null, left: [] })
  })

  test("deny an instance of a suspended login everything, and let others' jobs run on", async () => {
    const { document } = instanceSessionDenials(roleId, ["i-0aaa", "i-0bbb"], 10_240)
    expect(await isAllowed(document, "i-0aaa")).toBe(false)
    expect(await isAllowed(document, "i-0bbb")).toBe(false)
    for (const other of ["i-0aa", "i-0aaab", "i-0ccc", "cs61c-ab"]) {
      expect([other, await isAllowed(document, other)]).toEqual([other, true])
    }
  })

  test("name the role's id, so that another role's session of that name is not meant", async () => {
    const { document } = instanceSessionDenials(roleId, ["i-0aaa"], 10_240)
    expect(await isAllowed(document, "i-0aaa", "AROA23456789ABCDEFGH2")).toBe(true)
  })

  test("name those left out where IAM has no room, the last of the list first", async () => {
    const ids = Array.from({ length: 400 }, (_, i) => `i-0123456789abc${String(i).padStart(4, "0")}`)
    const { document, left } = instanceSessionDenials(roleId, ids, 5000)
    expect(document && policySize(document)).toBeLessThanOrEqual(5000)
    expect(left.length).toBeGreaterThan(200)
    expect(left).toEqual(ids.slice(-left.length))
    expect(await isAllowed(document, ids[0] ?? "")).toBe(false)
    expect(await isAllowed(document, left[0] ?? "")).toBe(true)
    expect(instanceSessionDenials(roleId, ids, 100)).toEqual({ document: null, left: ids })
  })
})

test("a profile's name is taken from its ARN", () => {
  expect(profileNameOf("cluster")).toBe("cluster")
  expect(profileNameOf("arn:aws:iam::123456789012:instance-profile/course/cluster")).toBe("cluster")
})
