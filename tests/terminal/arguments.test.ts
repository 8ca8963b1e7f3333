import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { UsageError } from "../../lib/base/errors.ts"
import { type ArgumentTable, readArguments } from "../../lib/terminal/arguments.ts"

const table = {
  count: { type: "string", alias: "c", default: "1" },
  ami: { type: "string", alias: ["a", "image-id"] },
  group: { type: "string", multiple: true },
  format: { type: "enum", options: ["text", "json"] },
  "dry-run": { type: "boolean" },
  user: { type: "positional", required: false },
} as const satisfies ArgumentTable

const read = (...argv: string[]): Record<string, unknown> => readArguments(table, argv)

describe("the strict reading of argv", () => {
  test("gives flags, values, defaults, lists and positionals", () => {
    expect(read("-c", "3", "--dry-run", "--group=a", "--group", "b", "cs61c-ab")).toEqual({
      count: "3",
      ami: undefined,
      group: ["a", "b"],
      format: undefined,
      "dry-run": true,
      user: "cs61c-ab",
    })
  })

  test.each([
    ["--ami", "ami-1"],
    ["-a", "ami-1"],
    ["--image-id", "ami-1"],
    ["--image-id=ami-1"],
    ["-aami-1"],
  ])("takes every name of an option: %p %p", (...argv) => {
    expect(read(...(argv as string[])).ami).toBe("ami-1")
  })

  test.each([
    [["--cuont", "3"], "did you mean --count?"],
    [["-x"], 'unknown option "-x"'],
    [["--zzz"], 'unknown option "--zzz" (--help lists them)'],
    [["--no-dry-run"], "unknown option"],
    [["--count", "--dry-run"], 'needs a value, not "--dry-run"'],
    [["--count"], "needs a value"],
    [["--dry-run=yes"], "takes no value"],
    [["--format", "yaml"], "wanted one of text, json"],
    [["--format", "jsno"], "wanted one of text, json, did you mean json?"],
    [["a", "b"], 'unexpected argument "b"'],
    [["a", "cuont"], 'unexpected argument "cuont", did you mean --count?'],
    [["--__proto__", "x"], "unknown option"],
    [["--constructor=x"], "unknown option"],
  ])("refuses %p", (argv, reason) => {
    expect(() => read(...argv)).toThrow(reason)
  })

  test("takes everything after -- as positionals", () => {
    expect(read("--", "--dry-run").user).toBe("--dry-run")
  })

  test("leaves a remote command's own options alone", () => {
    const ssh = { cmd: { type: "positional", multiple: true }, json: { type: "boolean" } } as const
    expect(readArguments(ssh, ["--json", "exec", "ls", "-l", "--json"], (p) => p.length === 1)).toEqual({
      cmd: ["exec", "ls", "-l", "--json"],
      json: true,
    })
  })

  test("never throws anything but a usage error", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("-c", "--count", "--", "-", "--dry-run", "--group=", "-cc", "=", "--="),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        try {
          read(...argv)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
      }),
    )
  })
})
