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
