import { expect, test } from "bun:test"
import type { Config } from "../../../lib/base/config.ts"
import { microUsd } from "../../../lib/base/money.ts"
import { differingKeys, termsOf } from "../../../lib/decisions/launches/config_terms.ts"

const config = {
  path: "/etc/ec2-wrappers/config.toml",
  course: { name: "cs61c", accounts: ["*"], termStartUtcMs: null },
  aws: { region: "us-east-1", regions: ["us-east-1"], proxy: null },
  limits: { budget: microUsd(100), maxInstances: 20, images: ["a", "b"] },
  limitsOfUsers: { "cs61c-aa": { budget: microUsd(5), maxInstances: 1 } },
  limitsOfSections: {},
  courseBudget: null,
  leases: { maxMs: 1, enforce: true },
  billing: { granularity: "second", minimumMs: 60_000 },
  prices: { spotFactor: 0.7, onDemand: { "m1.small": microUsd(0.085) } },
} as unknown as Config

test("the same config has the same terms, whatever the order of its keys", () => {
  const limitsOfUsers = { "cs61c-aa": { maxInstances: 1, budget: microUsd(5) } }
  expect(differingKeys(termsOf(config), termsOf({ ...config, limitsOfUsers } as Config))).toEqual([])
})

test.each([
  [{ limits: { ...config.limits, budget: microUsd(200) } }, ["limits.budget"]],
  [{ courseBudget: microUsd(1) }, ["limits.course_budget"]],
  [{ limitsOfUsers: {} }, ["limits.users"]],
  [{ leases: { maxMs: 2, enforce: true } }, ["leases.max_ms"]],
  [{ prices: { spotFactor: 1, onDemand: {} } }, ["prices.on_demand", "prices.spot_factor"]],
  [{ aws: { ...config.aws, region: "eu-west-1" } }, ["aws.region"]],
])("names the keys that differ: %p", (changes, keys) => {
  expect(differingKeys(termsOf(config), termsOf({ ...config, ...changes } as Config))).toEqual(keys)
})

test.each([
  [{ path: "/elsewhere" }],
  [{ aws: { ...config.aws, proxy: "http://proxy:3128" } }],
  [{ leases: { maxMs: 1, enforce: false } }],
])("what money does not depend on may differ: %p", (changes) => {
  expect(differingKeys(termsOf(config), termsOf({ ...config, ...changes } as Config))).toEqual([])
})
