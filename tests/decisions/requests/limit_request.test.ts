import { describe, expect, test } from "bun:test"
import type { Limits } from "../../../lib/base/config.ts"
import { microUsd } from "../../../lib/base/money.ts"
import {
  askingHint,
  limitText,
  readLimitAsked,
  readReason,
  withGrants,
} from "../../../lib/decisions/requests/limit_request.ts"

describe("what is asked for", () => {
  test.each([
    ["budget=30", "budget $30.00"],
    ["budget=$12.50", "budget $12.50"],
    ["max_hourly_cost=0.5", "max_hourly_cost $0.50/h"],
    ["max_instances=5", "max_instances 5"],
  ])("is read from %s", (text, meant) => {
    const read = readLimitAsked(text)
    expect("wrong" in read ? read.wrong : limitText(read)).toBe(meant)
  })

  test.each([
    "budget",
    "budget=",
    "budget=-3",
    "budget=0",
    "budget=1e9",
    "budget=9999999",
    "image=x",
    "max_instances=1.5",
  ])("%s is refused", (text) => expect(readLimitAsked(text)).toHaveProperty("wrong"))

  test("has a reason, which is one harmless line", () => {
    expect(readReason("  \u001b[31mred\nnext ")).toEqual({ reason: "\\x1b[31mred\\nnext" })
    expect(readReason(" ")).toHaveProperty("wrong")
    expect(readReason("x".repeat(501))).toHaveProperty("wrong")
  })

  test("is hinted at rounded up, so that it is enough", () => {
    expect(askingHint("budget", microUsd(30.000001))).toStartWith(
      "ask for more: ec2-util --request budget=30.01 ",
    )
    expect(askingHint("max_instances", 4)).toContain("max_instances=4 ")
  })
})

test("a grant raises its limit, lowers none, and gives nobody a budget who has none", () => {
  const limits = { budget: microUsd(20), maxInstances: 3, maxHourlyCost: microUsd(1) } as Limits
  const grants = [
    { limit: "budget", amount: microUsd(30) },
    { limit: "budget", amount: microUsd(25) },
    { limit: "max_instances", amount: 2 },
  ] as const
  expect(withGrants(limits, grants)).toEqual({ ...limits, budget: microUsd(30) })
  expect(withGrants({ ...limits, budget: null }, grants).budget).toBeNull()
})
