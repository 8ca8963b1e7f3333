import { describe, expect, test } from "bun:test"
import { matchesGlob } from "../../lib/base/login.ts"

describe("globs for logins", () => {
  test.each([
    ["cs61c-??", "cs61c-ab", true],
    ["cs61c-??", "cs61c-abc", false],
    ["cs61c-??", "cs61cl-ab", false],
    ["cs61c-??", "xcs61c-ab", false],
    ["cs61c-*", "cs61c-", true],
    ["a.c", "abc", false],
    ["[ab]", "a", false],
    ["[ab]", "[ab]", true],
    ["cs61c-ta", "cs61c-tab", false],
    ["*", "anything\n", true],
  ])("%s and %p: %p", (glob, login, matches) => expect(matchesGlob([glob], login)).toBe(matches))
})
