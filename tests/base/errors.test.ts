import { expect, test } from "bun:test"
import { closeSync, mkdirSync, openSync, readSync } from "node:fs"
import { connect } from "node:net"
import { messageOf, systemRefusal } from "../../lib/base/errors.ts"

const thrownBy = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error("nothing was thrown")
}

test("what the system refuses is said as every other error: what was done to what, and why not", () => {
  expect(systemRefusal(thrownBy(() => mkdirSync("/dev/null/x")))).toBe(
    "mkdir /dev/null/x: not a directory (ENOTDIR)",
  )
  const directory = openSync("/", "r")
  expect(systemRefusal(thrownBy(() => readSync(directory, new Uint8Array(1))))).toBe(
    "read: illegal operation on a directory (EISDIR)",
  )
  closeSync(directory)
})

test("what says more in words of its own keeps them", async () => {
  const refused = await new Promise((resolve) => connect(1, "127.0.0.1").on("error", resolve))
  expect(systemRefusal(refused)).toBe(null)
  expect(messageOf(refused)).toContain("127.0.0.1:1")
})

test("a defect of ours is no refusal of the system's", () => {
  for (const thrown of [
    new TypeError("x is undefined"),
    "text",
    null,
    undefined,
    { code: "EIO", syscall: "read" },
  ])
    expect(systemRefusal(thrown)).toBe(null)
})
