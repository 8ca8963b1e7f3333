import { describe, expect, test } from "bun:test"
import { type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import { policyText } from "../../../lib/decisions/identities/policy_document.ts"
import { sessionDenials } from "../../../lib/decisions/identities/session_denials.ts"
import { studentPolicy } from "../../../lib/decisions/identities/student_policy.ts"
import { rolePolicyRoom } from "../../../lib/decisions/identities/student_role.ts"
import { evaluatePolicies } from "../../emulator/policy_evaluator.ts"

const account = { partition: "aws", id: "123456789012" }
const shared = policyText(studentPolicy(account, "b".repeat(63), []))
const room = rolePolicyRoom - shared.replace(/\s/g, "").length
const noon = utcMsOf(Date.parse("2026-11-22T12:00:00Z"))
const minute = 60_000

/** Whether a session of `login` that AWS issued then may list instances. */
async function isAllowed(document: unknown, login: string, issuedUtcMs: UtcMs): Promise<boolean> {
  const policies = [shared, ...(document ? [JSON.stringify(document)] : [])]
  const { allowed } = await evaluatePolicies(policies, {
    principalArn: `arn:aws:sts::${account.id}:assumed-role/cs61c-student/${login}`,
    action: "ec2:DescribeInstances",
    context: {
      "aws:PrincipalTag/ec2-wrappers:owner": login,
      "aws:TokenIssueTime": new Date(issuedUtcMs).toISOString(),
    },
  })
  return allowed
}

describe("the denials of a role's sessions", () => {
  test("are none where nobody is denied", () => {
    expect(sessionDenials([], [], room)).toEqual({ document: null, everybodyBeforeUtcMs: null })
  })

  test("deny a suspended login whatever its session's date, and nobody else", async () => {
    const { document } = sessionDenials(["cs61c-a"], [], room)
    // A session that AWS was issuing at that moment has a later date than any deny.
    expect(await isAllowed(document, "cs61c-a", utcMsOf(noon + 60 * minute))).toBe(false)
    expect(await isAllowed(document, "cs61c-ab", noon)).toBe(true)
  })

  test("deny a lifted login what was issued before, and not what was issued since", async () => {
    const ended = [{ login: "cs61c-a", issuedBeforeUtcMs: noon }]
    const { document } = sessionDenials([], ended, room)
    expect(await isAllowed(document, "cs61c-a", utcMsOf(noon - 1000))).toBe(false)
    expect(await isAllowed(document, "cs61c-a", utcMsOf(noon + 1000))).toBe(true)
    expect(await isAllowed(document, "cs61c-ab", utcMsOf(noon - 1000))).toBe(true)
  })

  test("cover the second in which somebody was lifted", async () => {
    const { document } = sessionDenials(
      [],
      [{ login: "cs61c-a", issuedBeforeUtcMs: utcMsOf(noon + 300) }],
      room,
    )
    expect(await isAllowed(document, "cs61c-a", noon)).toBe(false)
    expect(await isAllowed(document, "cs61c-a", utcMsOf(noon + 1000))).toBe(true)
  })

  test("keep a login that is suspended again denied without a date", async () => {
    const ended = [{ login: "cs61c-a", issuedBeforeUtcMs: noon }]
    const { document } = sessionDenials(["cs61c-a"], ended, room)
    expect(await isAllowed(document, "cs61c-a", utcMsOf(noon + 60 * minute))).toBe(false)
  })

  const many = Array.from({ length: 600 }, (_, i) => `cs61c-${"x".repeat(20)}${String(i).padStart(4, "0")}`)
  const endedAt = (logins: string[]) => logins.map((login) => ({ login, issuedBeforeUtcMs: noon }))
  const sizeOf = (document: unknown) => JSON.stringify(document).length

  test("end everybody's sessions of before where more are suspended than fit, and keep the latest without a date", async () => {
    const { document, everybodyBeforeUtcMs } = sessionDenials(many, endedAt(many), room)
    expect(sizeOf(document)).toBeLessThanOrEqual(room)
    expect(sizeOf(document)).toBeGreaterThan(room - 60)
    expect(everybodyBeforeUtcMs).toBe(noon)
    expect(await isAllowed(document, many[0] ?? "", utcMsOf(noon + 60 * minute))).toBe(false)
    for (const login of [many[0], many[300], many[599], "cs61c-honest"])
      expect(await isAllowed(document, login ?? "", utcMsOf(noon - 1000))).toBe(false)
    expect(await isAllowed(document, "cs61c-honest", utcMsOf(noon + 1000))).toBe(true)
  })

  test("do so for the end of a course, too, whose logins are all removed at once", async () => {
    const apart = many.map((login, i) => ({ login, issuedBeforeUtcMs: utcMsOf(noon - i * 1000) }))
    const { document, everybodyBeforeUtcMs } = sessionDenials([], apart, room)
    expect(everybodyBeforeUtcMs).toBe(noon)
    expect(await isAllowed(document, many[599] ?? "", utcMsOf(noon - 1000))).toBe(false)
  })

  test("leave out without harm whoever was suspended so long ago that no session lives", async () => {
    const { document, everybodyBeforeUtcMs } = sessionDenials(many, endedAt(many.slice(0, 10)), room)
    expect(everybodyBeforeUtcMs).toBeNull()
    expect(sizeOf(document)).toBeLessThanOrEqual(room)
    for (const login of many.slice(0, 10)) expect(await isAllowed(document, login, noon)).toBe(false)
  })
})
