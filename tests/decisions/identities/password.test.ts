import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { makePassword, passwordFault } from "../../../lib/decisions/identities/password.ts"

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count))

describe("passwords", () => {
  test("meet any password policy that an account may have", () => {
    const rules = fc.record({
      minimumLength: fc.integer({ min: 6, max: 128 }),
      requireSymbols: fc.boolean(),
      requireNumbers: fc.boolean(),
      requireUppercase: fc.boolean(),
      requireLowercase: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.option(rules), (policy) => passwordFault(policy, makePassword(policy, random)) === null),
    )
  })

  test("legacy defect: passwords came from a non-cryptographic generator, 8 characters", () => {
    const made = new Set(Array.from({ length: 1000 }, () => makePassword(null, random)))
    expect(made.size).toBe(1000)
    for (const password of made) expect(password).toHaveLength(20)
  })

  test("favour no character: bytes that would are drawn again", () => {
    const bytes = [255, 254, 253, 252, ...Array.from({ length: 200 }, (_, index) => index)]
    expect(makePassword(null, (count) => new Uint8Array(bytes.splice(0, count)))).toHaveLength(20)
  })

  test.each([
    ["short", "it has 5 characters, wanted at least 14"],
    ["all-lower-case-1", "it lacks an upper-case letter"],
    ["NO DIGITS and none", "it lacks a digit and a symbol"],
    ["Good-enough-password-1", null],
    ["x".repeat(129), "it is longer than 128 characters"],
    ["Good-enough-password-1\n", "it has characters that IAM does not take"],
  ])("%p: %p", (password, fault) => {
    const rules = {
      minimumLength: 14,
      requireSymbols: true,
      requireNumbers: true,
      requireUppercase: true,
      requireLowercase: true,
    }
    expect(passwordFault(rules, password)).toBe(fault)
  })
})
