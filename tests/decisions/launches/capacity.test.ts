/** Which types and zones a launch tries, in which order, and after which refusals. */
import { describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import {
  attemptAfter,
  attemptsOf,
  attemptToken,
  objectionToTypes,
  triedLine,
  typesAsked,
} from "../../../lib/decisions/launches/capacity.ts"

const config = {
  instanceType: "t3.micro",
  fallback: { "g6.xlarge": ["g5.xlarge", "g6.xlarge", "g5.xlarge"] },
}

describe("the types of a launch are", () => {
  const cases: [asked: string, named: string[], fallback: string[]][] = [
    ["", ["t3.micro"], []],
    ["m5.large", ["m5.large"], []],
    ["g6.xlarge", ["g6.xlarge"], ["g5.xlarge"]],
    ["g6.xlarge,m5.large", ["g6.xlarge", "m5.large"], []],
    [" g6.xlarge , m5.large,g6.xlarge", ["g6.xlarge", "m5.large"], []],
  ]
  test.each(cases)("for -t '%s': %p, else %p", (asked, named, fallback) => {
    expect(typesAsked(asked, config)).toEqual({ named, fallback })
  })

  test("refused where they are too many, or one has no name", () => {
    const nine = Array.from({ length: 9 }, (_, index) => `m5.${index + 1}xlarge`).join(",")
    expect(objectionToTypes(typesAsked(nine, config))).toBe("names 9 types, at most 8")
    expect(objectionToTypes(typesAsked("m5.large,,m6i.large", config))).toContain("empty name")
    expect(objectionToTypes(typesAsked("m5.large", config))).toBeNull()
  })
})

const candidates = ["m5.large", "m6i.large"].map((instanceType) => ({
  instanceType,
  market: "on-demand" as const,
  microUsdPerHour: microUsd(0.1),
}))
const attempts = attemptsOf(candidates, [null, "us-east-1a", "us-east-1b"])

test("zones come first, then types", () => {
  expect(attempts.map(({ number, instanceType, zone }) => `${number} ${instanceType} ${zone}`)).toEqual([
    "0 m5.large null",
    "1 m5.large us-east-1a",
    "2 m5.large us-east-1b",
    "3 m6i.large null",
    "4 m6i.large us-east-1a",
    "5 m6i.large us-east-1b",
  ])
})

test("each has a token of its own, the first the reservation's id, none longer than EC2 takes", () => {
  const id = crypto.randomUUID()
  const tokens = attempts.map(({ number }) => attemptToken(id, number))
  expect(tokens[0]).toBe(id)
  expect(new Set(tokens).size).toBe(attempts.length)
  for (const token of [...tokens, attemptToken(id, 63)]) {
    expect(token).toStartWith(id)
    expect(token.length).toBeLessThanOrEqual(64)
  }
})

describe("after attempt 1", () => {
  const cases: [code: string, next: number | null][] = [
    ["InsufficientInstanceCapacity", 2],
    ["Unsupported", 2],
    ["SpotMaxPriceTooLow", 2],
    ["VcpuLimitExceeded", 3],
    ["MaxSpotInstanceCountExceeded", 3],
    ["InternalError", null],
    ["Unavailable", null],
    ["ServiceUnavailable", null],
    ["Timeout", null],
    ["RequestLimitExceeded", null],
    ["InvalidParameterValue", null],
    ["UnauthorizedOperation", null],
    ["toString", null],
  ]
  test.each(cases)("%s leads to %p", (code, next) => {
    const [, second] = attempts
    if (!second) throw new Error("no attempt")
    expect(attemptAfter(attempts, second, code)?.number ?? null).toBe(next)
  })

  test("none follows the last", () => {
    const last = attempts.at(-1)
    if (!last) throw new Error("no attempt")
    expect(attemptAfter(attempts, last, "InsufficientInstanceCapacity")).toBeNull()
  })
})

test("what was tried is said by type and zone", () => {
  expect(triedLine(attempts.slice(0, 4))).toBe(
    "m5.large in any zone, us-east-1a, us-east-1b; m6i.large in any zone",
  )
})
