/** The documentation is tested: what exists is documented, and what is documented exists. */
import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import type { Tool } from "../lib/cli.ts"
import { configReference } from "../lib/host/config/config_reference.ts"
import { knownKeys } from "../lib/host/config/config_schema.ts"
import { helpText } from "../lib/terminal/help.ts"
import packageJson from "../package.json" with { type: "json" }
import { withFreshConfig } from "../packaging/reading/config_pages.ts"

const root = join(import.meta.dir, "..")
const pages = [
  ...readdirSync(root),
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"))
const textOf = (page: string) => readFileSync(join(root, page), "utf8")
const documentation = pages.map(textOf).join("\n")
const section = (page: string, title: string) => {
  const text = textOf(page)
  const start = text.indexOf(`\n## ${title}\n`)
  expect(start).toBeGreaterThan(-1)
  const end = text.indexOf("\n## ", start + 1)
  return text.slice(start, end < 0 ? undefined : end)
}
const anchorsOf = (page: string) =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  )
const tools = readdirSync(join(root, "scripts"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -".ts".length))

describe("the documentation", () => {
  test("names every tool in the table of tools", () => {
    const table = section("docs/architecture.md", "Tools, old and new")
    expect(tools.filter((tool) => !table.includes(`\`${tool}\``))).toEqual([])
  })

  test("documents every key of the config, and no other", () => {
    const documented = configReference.flatMap(({ table, keys }) => keys.map(({ key }) => `${table}.${key}`))
    const known = knownKeys().filter((key) => key.includes("."))
    expect(documented.filter((key) => !key.startsWith("assignments.")).toSorted()).toEqual(known.toSorted())
  })

  test("has the reference of the config as it is generated", () => {
    const text = textOf("docs/configuration.md")
    expect(withFreshConfig(text)).toBe(text) // npm run format
  })

  test("links to no page and no section that does not exist", () => {
    const wrong = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)]
        .filter(([, path = "", anchor]) => {
          const target = path === "" ? page : normalize(join(dirname(page), path))
          return !existsSync(join(root, target)) || (anchor && !anchorsOf(target).includes(anchor))
        })
        .map(([link]) => `${page}: ${link}`),
    )
    expect(pages.length).toBeGreaterThan(10)
    expect(wrong).toEqual([])
  })

  test("has no line over 120 columns, code blocks and tables included", () => {
    const written = [...pages, "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "tests/emulator/README.md"]
    const wide = written.flatMap((page) =>
      textOf(page)
        .split("\n")
        .flatMap((line, index) => (line.length > 120 ? [`${page}:${index + 1}`] : [])),
    )
    expect(wide).toEqual([])
    expect(textOf("README.md").split("\n").length).toBeLessThanOrEqual(150)
  })

  test("gives a reason for every dependency", () => {
    const table = section("docs/architecture.md", "Dependencies")
    const names = Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies })
    expect(names.filter((name) => !table.includes(`\`${name}\``))).toEqual([])
  })

  test("every dependency is pinned exactly", () => {
    const versions = Object.values({ ...packageJson.dependencies, ...packageJson.devDependencies })
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })

  test("names no npm script that does not exist", () => {
    const named = [...documentation.matchAll(/npm (?:run )?(test|demo|bench|run [\w:-]+)/g)].map(([, name]) =>
      name?.replace("run ", ""),
    )
    expect(named.filter((name) => !Object.hasOwn(packageJson.scripts, name ?? ""))).toEqual([])
  })
})

describe("--help", () => {
  test.each(tools)("%s lists each of its options with a description", async (name) => {
    const { tool } = (await import(join(root, "scripts", `${name}.ts`))) as { tool: Tool }
    expect(tool.name).toBe(name)
    const help = helpText(tool, name, 80)
    for (const [option, def] of Object.entries(tool.arguments)) {
      if (def.hidden) continue
      expect(help).toContain(
        def.type === "positional" ? (def.valueHint ?? option.toUpperCase()) : `--${option}`,
      )
      expect(def.description ?? "").not.toBe("")
    }
  })
})
