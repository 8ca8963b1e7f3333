import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { parseRequirements } from "../../../lib/decisions/clusters/requirements.ts"

describe("a file of requirements", () => {
  test("holds one a line; comments and empty lines are left out", () => {
    const text =
      "\uFEFF# data\r\nnumpy==2.1\r\n\r\n  pandas[excel, xml] >=2,<3 ; python_version < '3.14' # wide\nx @ https://h/x.whl\nY\n"
    expect(parseRequirements("r.txt", text)).toEqual([
      "numpy==2.1",
      "pandas[excel, xml] >=2,<3 ; python_version < '3.14'",
      "x @ https://h/x.whl",
      "Y",
    ])
  })

  test.each([
    "-r other.txt",
    "--index-url https://evil",
    "-e .",
    "  --extra-index-url=x",
    "numpy --hash=sha256:0",
    "numpy==2 --global-option=x",
    "numpy==2 \\",
    "./local",
    "/etc/passwd",
    "https://h/x.whl",
    "x @ http://h/x.whl",
    "x @ file:///etc/passwd",
    "$(id)",
    "a b",
    "numpy==$VERSION",
  ])("refuses %j, with its line", (line) => {
    expect(() => parseRequirements("r.txt", `numpy\n${line}\n`)).toThrow("pip: r.txt:2: ")
  })

  test("never passes an option on, whatever is in it", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          return parseRequirements("r", text).every(
            (line) => /^[A-Za-z0-9]/.test(line) && !/\s-/.test(line.split(";")[0] ?? ""),
          )
        } catch {
          return true
        }
      }),
    )
  })
})
