import { describe, expect, test } from "bun:test"
import { defaultKeyName, isKeyNameOf, keyNameOf } from "../../../lib/decisions/identities/key_name.ts"

describe("key names", () => {
  test.each([
    ["laptop", "cs61c-ab-laptop"],
    ["cs61c-ab-laptop", "cs61c-ab-laptop"],
    ["my key; rm -rf ~", "cs61c-ab-mykeyrm-rf"],
    ["../x", "cs61c-ab-x"],
    ["cs61c-ac-default", "cs61c-ab-cs61c-ac-default"],
    ["cs61c-ab-", "cs61c-ab-cs61c-ab-"],
  ])("%p becomes %p", (given, name) => expect(keyNameOf("cs61c-ab", given)).toBe(name))

  test.each([
    ["j.doe", "my lab", "j.doe-mylab"],
    ["j.doe", "j.doe-lab.1", "j.doe-lab1"],
    ["jdoe@campus.edu", "jdoe@campus.edu-lab", "jdoe@campus.edu-lab"],
    ["jdoe@campus.edu", "jdoecampusedu-lab", "jdoe@campus.edu-jdoecampusedu-lab"],
    ["a+b=c", "a+b=c-x@y", "a+b=c-xy"],
    ["x".repeat(32), "y".repeat(22), `${"x".repeat(32)}-${"y".repeat(22)}`],
  ])("of %p, %p becomes %p: the login stays whole", (login, given, name) =>
    expect(keyNameOf(login, given)).toBe(name),
  )

  test.each(["", "é/.", "x".repeat(60)])("%p is refused", (given) =>
    expect(() => keyNameOf("cs61c-ab", given)).toThrow("key name"),
  )

  test("the default is LOGIN-default", () => expect(defaultKeyName("cs61c-ab")).toBe("cs61c-ab-default"))

  test("legacy defect: cs61c-a could launch with, and be billed to, cs61c-ab-default", () => {
    expect(isKeyNameOf("cs61c-a", "cs61c-ab-default")).toBe(false)
    expect(isKeyNameOf("cs61c-ab", "cs61c-ab-default")).toBe(true)
    expect(isKeyNameOf("cs61c-ab", "cs61c-ab-")).toBe(false)
  })
})
