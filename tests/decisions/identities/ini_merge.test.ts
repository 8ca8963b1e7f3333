import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { mergeIniSection } from "../../../lib/decisions/identities/ini_merge.ts"

const secrets = { aws_access_key_id: "AKIANEW", aws_secret_access_key: "new" }

describe("a profile merged into a file", () => {
  test("is all of an empty one", () => {
    expect(mergeIniSection("", "cs61c", secrets)).toBe(
      "[cs61c]\naws_access_key_id = AKIANEW\naws_secret_access_key = new\n",
    )
  })

  test("changes its own two lines and nothing else", () => {
    const mine = [
      "# my keys",
      "[default]",
      "aws_access_key_id=AKIAMINE",
      "aws_secret_access_key = mine   # do not lose",
      "",
      "[cs61c]  ; course",
      "# rotated in May",
      "aws_access_key_id = AKIAOLD",
      "s3 =",
      "  aws_access_key_id = nested",
      "AWS_SECRET_ACCESS_KEY = old",
      "",
      "[cs61c-staff]",
      "aws_access_key_id = AKIASTAFF",
    ]
    const expected = mine.with(7, "aws_access_key_id = AKIANEW").with(10, "aws_secret_access_key = new")
    expect(mergeIniSection(mine.join("\n"), "cs61c", secrets)).toBe(`${expected.join("\n")}\n`)
  })

  test("keeps the file's line ends", () => {
    expect(mergeIniSection("[a]\r\nx = 1\r\n", "b", { y: "2" })).toBe("[a]\r\nx = 1\r\n\r\n[b]\r\ny = 2\r\n")
  })

  test("puts a new key after the section's last line, before the gap", () => {
    expect(mergeIniSection("[a]\nx = 1\n\n[b]\n", "a", { y: "2" })).toBe("[a]\nx = 1\ny = 2\n\n[b]\n")
  })

  test("changes the last of two sections of one name, which is the one that holds", () => {
    expect(mergeIniSection("[a]\nx = 1\n[a]\nx = 2\n", "a", { x: "3" })).toBe("[a]\nx = 1\n[a]\nx = 3\n")
  })

  test("twice is as once, and lines of others survive in order", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "[a]",
        "[b c]",
        "[cs61c]",
        "x = 1",
        "# note",
        "",
        "  nested = 2",
        "aws_access_key_id = 3",
      ),
      fc.stringMatching(/^[ -~]{0,20}$/),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const once = mergeIniSection(lines.join("\n"), "cs61c", secrets)
        expect(mergeIniSection(once, "cs61c", secrets)).toBe(once)
        const isOurs = (text: string) => /^aws_(secret_)?access_key(_id)?\s*[=:]/i.test(text)
        const kept = once.split("\n")
        let at = 0
        for (const own of lines.filter((text) => text.trim() !== "" && !isOurs(text))) {
          at = kept.indexOf(own, at) + 1
          expect(at).toBeGreaterThan(0)
        }
      }),
    )
  })

  test("takes no longer for hostile lines than for others of their length, and leaves long ones as they are", () => {
    const hostile = [
      `[${" ".repeat(1_000_000)}`,
      `${"x ".repeat(500_000)}`,
      ...Array.from({ length: 100 }, () => `[${" ".repeat(8000)}x`),
      ...Array.from({ length: 100 }, () => `a${" ".repeat(8000)}`),
      `${"[".repeat(8000)}`,
    ].join("\n")
    const begun = process.cpuUsage().user
    const text = mergeIniSection(hostile, "cs61c", { ...secrets, aws_session_token: null })
    expect(process.cpuUsage().user - begun).toBeLessThan(2_000_000)
    expect(text.startsWith(hostile)).toBe(true)
  })
})
