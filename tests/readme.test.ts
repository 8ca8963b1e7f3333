/** The documentation is tested: what exists is documented, and what is documented exists. */
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { helpText, type Tool } from "../lib/cli.ts"
import { knownKeys } from "../lib/host/config/config_schema.ts"
import packageJson from "../package.json" with { type: "json" }

const root = join(import.meta.dir, "..")
const readme = readFileSync(join(root, "README.md"), "utf8")
const section = (title: string) => {
  const start = readme.indexOf(`\n## ${title}\n`)
  expect(start).toBeGreaterThan(-1)
  const end = readme.indexOf("\n## ", start + 1)
  return readme.slice(start, end < 0 ? undefined : end)
}
const tools = readdirSync(join(root, "scripts"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -".ts".length))

describe("the README", () => {
  test("names every tool in the table of tools", () => {
    const table = section("Tools, old and new")
    expect(tools.filter((tool) => !table.includes(`\`${tool}\``))).toEqual([])
  })

  test("documents every key of the config", () => {
    const reference = section("Configuration")
    const missing = knownKeys()
      .filter((key) => key.includes("."))
      .map((key) => key.split(".").at(-1) ?? "")
      .filter((key) => key !== "users" && !reference.includes(`\`${key}\``))
    expect(missing).toEqual([])
  })

  test("links to no section that does not exist", () => {
    const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    )
    const linked = [...readme.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = ""]) => anchor)
    expect(linked.length).toBeGreaterThan(10)
    expect(linked.filter((anchor) => !anchors.includes(anchor))).toEqual([])
  })

  test("gives a reason for every dependency", () => {
    const table = section("Dependencies")
    const names = Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies })
    expect(names.filter((name) => !table.includes(`\`${name}\``))).toEqual([])
  })

  test("every dependency is pinned exactly", () => {
    const versions = Object.values({ ...packageJson.dependencies, ...packageJson.devDependencies })
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })

  test("names no npm script that does not exist", () => {
    const named = [...readme.matchAll(/npm (?:run )?(test|demo|bench|run [\w:-]+)/g)].map(([, name]) =>
      name?.replace("run ", ""),
    )
    expect(named.filter((name) => !Object.hasOwn(packageJson.scripts, name ?? ""))).toEqual([])
  })
})

describe("--help", () => {
  test.each(tools)("%s lists each of its options with a description", async (name) => {
    const { tool } = (await import(join(root, "scripts", `${name}.ts`))) as { tool: Tool }
    expect(tool.name).toBe(name)
    const help = await helpText(tool)
    for (const [option, def] of Object.entries(tool.arguments)) {
      expect(help).toContain(def.type === "positional" ? option.toUpperCase() : `--${option}`)
      expect(def.description ?? "").not.toBe("")
    }
  })
})
