import { expect, test } from "bun:test"
import { forStudent } from "../../lib/terminal/for_students.ts"

test.each([
  ["open /x/usage.db: does not exist; init_dbs makes it", true],
  ["root access key /x: does not exist", true],
  ["ask AWS: is the one in [paths] root_access_key active?", true],
  ["account: the IAM group does not exist; staff must run setup", false],
  ["launch: 2 running at $0.17/h", false],
])("%s: a student is sent to staff: %p", (message, isSent) => {
  expect(forStudent(message) !== message).toBe(isSent)
  expect(forStudent(message)).toStartWith(message)
})
