import { expect, test } from "bun:test"
import { unitFiles } from "./unit_files.ts"

const files = unitFiles()

test.each([
  ["tests/base/money.test.ts", true],
  ["tests/db/usage/ledger.test.ts", true],
  ["tests/decisions/identities/plan.test.ts", true],
  ["tests/terminal/arguments.test.ts", true],
  ["tests/architecture.test.ts", true],
  // The emulator, at one remove; a tool's process; a C program; a server.
  ["tests/aws/iam/iam.test.ts", false],
  ["tests/scripts/ec2_util.test.ts", false],
  ["tests/native/plain_wrap.test.ts", false],
  ["tests/proxy/proxy.test.ts", false],
])("%s is a unit test: %p", (file, isUnit) => {
  expect(files.includes(file)).toBe(isUnit)
})
