/** Whoever is told to run `TOOL --option`, by an error, advice, help or the documentation, must find that option. */
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { commands, tools } from "../lib/base/commands.ts"
import type { Tool } from "../lib/cli.ts"

const root = join(import.meta.dir, "..")

/** The options of each tool, by every name that a text may use for the tool. */
const optionsOf = new Map<string, Set<string>>()
for (const name of tools) {
  const { tool } = (await import(join(root, "scripts", `${name}.ts`))) as { tool: Tool }
  const options = new Set(["help", "version"])
  for (const [option, argument] of Object.entries(tool.arguments)) {
    if (argument.type === "positional") continue
    for (const one of [option, argument.alias ?? []].flat()) options.add(one)
  }
  for (const { name: called } of [{ name }, ...commands.filter((command) => command.tool === name)])
    optionsOf.set(called, options)
}

const names = [...optionsOf.keys()].sort((a, b) => b.length - a.length)
// A command line goes on until the sentence or its quoting does. " -- " stands between a finding and its advice.
const commandLine = new RegExp(
  `(?<![\\w./-])(?:\\S*/)?(${names.join("|")})(?![\\w-])((?: +(?!-- )[^\\s\`'",;:()|<>]+)*)`,
  "g",
)

interface Mention {
  tool: string
  option: string
}

/** Each `TOOL … --option` of a text; words between them may be arguments, as in `hadoop-ec2 launch-cluster C 4 dn --dry-run`. */
function mentionsIn(text: string): Mention[] {
  return [...text.matchAll(commandLine)].flatMap(([, tool = "", rest = ""]) => {
    const own = rest.split(/ and | or | then |\.(?: |$)/)[0] ?? ""
    return [...own.matchAll(/(?<= )--([a-z][\w-]*)/g)].map(([, option = ""]) => ({ tool, option }))
  })
}

const wrongIn = (text: string) =>
  mentionsIn(text)
    .filter(({ tool, option }) => !optionsOf.get(tool)?.has(option))
    .map(({ tool, option }) => `${tool} --${option}`)

const filesIn = (folder: string, ending: RegExp) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name))
    .map((name) => `${folder}/${name}`)
const documents = readdirSync(root).filter((name) => name.endsWith(".md"))
const sources = [...filesIn("lib", /\.ts$/), ...filesIn("scripts", /\.ts$/), ...filesIn("packaging", /\.sh$/)]
const texts = [...documents, ...filesIn("docs", /\.md$/), ...sources]

describe("a tool's option that a text names exists", () => {
  test.each([
    ["see setup --diff, run setup", ["setup --diff"]],
    ["ec2-run --count 2 --no-such-thing", ["ec2-run --no-such-thing"]],
    ["ec2_active --terminate i-1 --wait", []],
    ["/opt/ec2-wrappers/libexec/usage_cron --refresh", ["usage_cron --refresh"]],
    ["usage_cron --enforce, --no-option", []],
    ["run doctor and then git --no-pager", []],
  ])("the test itself: %p has %p", (text, wrong) => {
    expect(wrongIn(text)).toEqual(wrong)
  })

  test.each(texts)("in %s", (name) => {
    expect(wrongIn(readFileSync(join(root, name), "utf8"))).toEqual([])
  })

  test("and texts name some", () => {
    const mentions = texts.flatMap((name) => mentionsIn(readFileSync(join(root, name), "utf8")))
    expect(mentions.length).toBeGreaterThan(60)
    expect(mentions).toContainEqual({ tool: "setup", option: "remove-other-policies" })
  })
})
