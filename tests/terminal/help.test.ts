import { describe, expect, test } from "bun:test"
import { tools } from "../../lib/base/commands.ts"
import type { Declaration } from "../../lib/terminal/declaration.ts"
import { helpText } from "../../lib/terminal/help.ts"

const declarations = await Promise.all(
  tools.map(async (name) => ((await import(`../../scripts/${name}.ts`)) as { tool: Declaration }).tool),
)
const widths = [40, 60, 80, 100, 250]

describe("help", () => {
  test.each(declarations.map((tool) => [tool.name, tool] as const))(
    "of %s fits every width, left-aligned",
    (_, tool) => {
      for (const width of widths) {
        const lines = helpText(tool, tool.name, width).split("\n")
        // A word that is longer than the line stands whole.
        const wide = lines.filter(
          (line) => line.length > Math.min(width, 100) && /\S\s+\S+\s+\S/.test(line.trim()),
        )
        expect(wide.filter((line) => !tool.examples?.some(({ run }) => line.includes(run)))).toEqual([])
        const options = lines.filter((line) => /^ +--?\w[\w-]*(,| [A-Z]| {2}|$)/.test(line))
        expect(options.length).toBeGreaterThan(1)
        expect(lines.filter((line) => line !== line.trimEnd())).toEqual([])
      }
    },
  )

  test.each(declarations.map((tool) => [tool.name, tool] as const))(
    "of %s has two examples that are right",
    async (_, tool) => {
      const help = helpText(tool, tool.name, 80)
      expect(help).toContain("\nExamples\n")
      expect(help.trimEnd().split("\n").at(-1)).toMatch(/^Manual page: man [a-z0-9_-]+$/)
      expect(tool.examples?.length).toBeGreaterThanOrEqual(2)
      const known = new Set(
        Object.entries(tool.arguments).flatMap(([name, def]) =>
          "alias" in def ? [name, def.alias ?? []].flat() : name,
        ),
      )
      for (const { run } of tool.examples ?? []) {
        const options = [...run.matchAll(/\s--?([a-z][\w-]*)/g)].map(([, name = ""]) => name)
        expect(options.filter((name) => !known.has(name))).toEqual([])
      }
    },
  )

  test.each(declarations.map((tool) => [tool.name, tool] as const))(
    "of %s describes every option in a line",
    (_, tool) => {
      expect(tool.description.length).toBeLessThanOrEqual(64)
      expect(tool.description).not.toMatch(/\.$/)
      for (const { description = "" } of Object.values(tool.arguments)) expect(description).toMatch(/\S/)
    },
  )

  test("puts a short option first and the long ones in a column", () => {
    const tool: Declaration = {
      name: "tool",
      description: "Do it",
      arguments: {
        type: { type: "string", alias: "t", description: "The type" },
        "a-long-name-of-an-option": { type: "string", valueHint: "VALUE", description: "Stands alone" },
        when: { type: "enum", options: ["now", "later"], description: "The time" },
      },
    }
    expect(helpText(tool, "tool", 60).split("\n").slice(3, 9)).toEqual([
      "Options:",
      "  -t, --type TYPE       The type",
      "      --a-long-name-of-an-option VALUE",
      "                        Stands alone",
      "      --when now|later  The time",
      "  -h, --help            Show this help",
    ])
  })
})
