import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { mergeIniSection } from "../../../lib/decisions/identities/ini_merge.ts"

const secrets = { aws_access_key_id: "AKIANEW", aws_secret_access_key: "new" }

describe("a profile merged into a file", () => {
  test("is all of an empty one", () => {
    expect(mergeIniSection("", { name: "cs61c", values: secrets })).toBe(
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
    expect(mergeIniSection(mine.join("\n"), { name: "cs61c", values: secrets })).toBe(
      `${expected.join("\n")}\n`,
    )
  })

  test("keeps the file's line ends", () => {
    expect(mergeIniSection("[a]\r\nx = 1\r\n", { name: "b", values: { y: "2" } })).toBe(
      "[a]\r\nx = 1\r\n\r\n[b]\r\ny = 2\r\n",
    )
  })

  test("puts a new key after the section's last line, before the gap", () => {
    expect(mergeIniSection("[a]\nx = 1\n\n[b]\n", { name: "a", values: { y: "2" } })).toBe(
      "[a]\nx = 1\ny = 2\n\n[b]\n",
    )
  })

  test.each([
    [
      "two sections of the name",
      "[a]\nx = 1\n[b]\nz = 9\n[a]\nw = 4\nx = 2\n",
      "[a]\nw = 4\nx = 3\n[b]\nz = 9\n",
    ],
    ["a header with blanks", "[ a ]\nx = 1\n", "[a]\nx = 3\n"],
    ["a key that stands twice", "[a]\nx = 1\nw = 1\nX: 2\nw = 2\n", "[a]\nx = 3\nw = 2\n"],
    ["a value of several lines", "[a]\nx =\n  1\n  2\nw = 1\n", "[a]\nx = 3\nw = 1\n"],
    ["another section's nested lines", "[b]\ns3 =\n  x = 1\n[a]\n", "[b]\ns3 =\n  x = 1\n[a]\nx = 3\n"],
    ["a comment that would be read into the name", "[a] ; [b]\nx = 1\n", "[a]\nx = 3\n"],
  ])("leaves one clean section where there is %s", (_, text, expected) => {
    expect(mergeIniSection(text, { name: "a", values: { x: "3" } })).toBe(expected)
  })

  test("takes a profile in quotation marks for the profile, and what is unwanted out of it", () => {
    const text =
      '[profile "a"]\nrole_arn = r\nsource_profile = default\noutput = json\n[profile b]\nrole_arn = r\n'
    expect(
      mergeIniSection(text, {
        name: "profile a",
        values: { x: "1" },
        unwanted: /^(role_arn|source_profile)$/,
      }),
    ).toBe("[profile a]\noutput = json\nx = 1\n[profile b]\nrole_arn = r\n")
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
        const once = mergeIniSection(lines.join("\n"), { name: "cs61c", values: secrets })
        expect(mergeIniSection(once, { name: "cs61c", values: secrets })).toBe(once)
        let section = ""
        const others = lines.filter((text) => {
          section = /^\s*\[\s*([^\]]*?)\s*\]/.exec(text)?.[1] ?? section
          return section !== "cs61c" && text.trim() !== ""
        })
        expect(once.match(/^\[cs61c\]/gm)).toHaveLength(1)
        const kept = once.split("\n")
        let at = 0
        for (const own of others) {
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
    const text = mergeIniSection(hostile, { name: "cs61c", values: { ...secrets, aws_session_token: null } })
    expect(process.cpuUsage().user - begun).toBeLessThan(2_000_000)
    expect(text.startsWith(hostile)).toBe(true)
  })
})
