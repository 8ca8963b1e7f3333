import { describe, expect, test } from "bun:test"
import { loginPattern, matchesGlob, sameButForCase } from "../../lib/base/login.ts"

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

describe("what may be a login", () => {
  test.each([
    ...[
      "cs61c-aa",
      "j.doe",
      "20231234",
      "jdoe@campus.edu",
      "JDoe",
      "a.b+c=d@e_f",
      "ab",
      "x".repeat(32),
      "_apt",
    ],
    ...["+jd", "=jd", "@jd", ".jd", "all", "..."],
  ])("%p", (login) => expect(loginPattern.test(login)).toBe(true))

  test.each([
    ...[
      "",
      "a",
      "x".repeat(33),
      "-jd",
      "a,b",
      "a b",
      "a/b",
      "a:b",
      "a$",
      "a%b",
      "jd\n",
      "ä0",
      "..",
      "ALL",
      "a*",
      "$(id)",
    ],
  ])("%p is none", (login) => expect(loginPattern.test(login)).toBe(false))
})

test.each([
  ["JDoe", ["jdoe", "ab"], "jdoe"],
  ["JDoe", ["JDoe", "jdo"], null],
  ["jd", [], null],
])("%p beside %j: %p", (login, others, same) => expect(sameButForCase(login, others)).toBe(same))
