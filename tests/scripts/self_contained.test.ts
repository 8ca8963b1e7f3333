/** What is installed needs nothing beside it: no Bun, no Node, no node_modules, no PATH. */
import { afterAll, describe, expect, test } from "bun:test"
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compiledTool, root } from "../support/build.ts"
import { workspace } from "../support/tools.ts"

const elsewhere = mkdtempSync(join(tmpdir(), "elsewhere-"))
const course = workspace()
afterAll(() => {
  rmSync(elsewhere, { recursive: true })
  course.remove()
})
// In their directory, where a default compiled binary would read them.
writeFileSync(join(elsewhere, "bunfig.toml"), 'preload = ["./hostile.ts"]\n')
writeFileSync(join(elsewhere, "hostile.ts"), 'throw new Error("preloaded")\n')
writeFileSync(join(elsewhere, ".env"), "EC2_WRAPPERS_CONFIG=/nonexistent\n")

function run(tool: string, args: string[], env: Record<string, string> = {}) {
  const copy = join(elsewhere, tool)
  copyFileSync(compiledTool(tool), copy)
  try {
    const child = Bun.spawnSync([copy, ...args], { cwd: elsewhere, env, stdout: "pipe", stderr: "pipe" })
    return { stdout: child.stdout.toString(), stderr: child.stderr.toString(), code: child.exitCode }
  } finally {
    rmSync(copy)
  }
}

const tools = readdirSync(join(root, "scripts"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -".ts".length))

describe("in another directory, with an empty environment", () => {
  test.each(tools)("%s tells its version and its help", (tool) => {
    const version = run(tool, ["--version"])
    expect(version.stderr).toBe("")
    expect(version.stdout).toMatch(
      new RegExp(`^${tool} \\d+\\.\\d+\\.\\d+( \\([0-9a-f]{7,40}(-dirty)?\\))?\n$`),
    )
    expect(run(tool, ["--help"]).stdout).toContain("Usage: ")
  })

  test("the databases are made", () => {
    const made = run("init_dbs", [], { EC2_WRAPPERS_CONFIG: course.configPath, REAL_USERNAME: "cs61c" })
    expect(made.stderr).toBe("")
    expect(made.code).toBe(0)
    expect(readdirSync(course.dataDir)).toContain("usage.db")
  })
})
