/** Which type may be launched, and which one was meant. */
import { expect, test } from "bun:test"
import type { Limits } from "../../../lib/base/config.ts"
import { objectionToType } from "../../../lib/decisions/launches/launch_policy.ts"

const objection = (type: string, ...instanceTypes: string[]) =>
  objectionToType(type, { instanceTypes } as unknown as Limits)

test.each([
  ["t3.micro", ["t3.*"], null],
  [
    "t3.mciro",
    ["t3.micro", "m5.*"],
    "type t3.mciro is not allowed, only t3.micro, m5.*, did you mean t3.micro?",
  ],
  // It exists: nobody mistyped it.
  ["m1.small", ["t3.*"], "type m1.small is not allowed, only t3.*"],
  ["t3.mciro", ["x2gd.*"], "type t3.mciro is not allowed, only x2gd.*"],
  ["t3.micro", [], "type t3.micro is not allowed, only none"],
  ["T3 micro", ["*"], '"T3 micro" is no instance type such as t3.micro'],
])("%s of %j", (type, allowed, reason) => {
  expect(objection(type, ...allowed)).toBe(reason)
})
