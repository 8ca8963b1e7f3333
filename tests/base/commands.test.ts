import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { tools, typedName } from "../../lib/base/commands.ts"

test("there is one tool for each script", () => {
  const scripts = readdirSync(join(import.meta.dir, "..", "..", "scripts"))
  expect([...tools].sort()).toEqual(scripts.map((name) => name.replace(/\.ts$/, "")).sort())
})

describe("the name that errors start with", () => {
  test.each([
    ["ec2_runner", "ec2-run", "ec2-run"],
    ["usage_report", "ec2-usage", "ec2-usage"],
    ["microproxy", "microproxy", "microproxy"],
    // Run directly: no wrapper, or a variable that is not this tool's wrapper's.
    ["ec2_runner", undefined, "ec2_runner"],
    ["usage_cron", undefined, "usage_cron"],
    ["usage_cron", "ec2-run", "usage_cron"],
    ["ec2_runner", "ec2-util", "ec2_runner"],
    ["ec2_runner", "", "ec2_runner"],
    ["ec2_runner", "\u001b[2Jroot", "ec2_runner"],
  ])("of %s behind %p is %s", (tool, claimed, name) => {
    expect(typedName(tool, claimed)).toBe(name)
  })
})
