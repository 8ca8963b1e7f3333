/** `--help`: left-aligned, within the terminal's width, options in groups, examples, exit codes. */
import { manualPageOf } from "../base/commands.ts"
import { wrap } from "../base/wrap.ts"
import { commonExitCodes, type Declaration, optionGroups, positionalEntries } from "./declaration.ts"

const widestColumns = 100
const narrowestColumns = 40
/** Longer names of options stand on a line of their own. */
const widestNames = 26
const narrowestDescription = 30

/**
 * The text of `--help` for the command that was typed. `columns`: the terminal's width, 80 in a pipe; wider terminals get
 * lines of at most 100 columns, which read better.
 */
export function helpText(tool: Declaration, command: string, columns: number): string {
  const width = Math.max(narrowestColumns, Math.min(columns, widestColumns))
  const words = positionalEntries(tool).map(({ word }) => word)
  const sections = [
    [
      ...hanging("Usage: ", [command, "[OPTION...]", ...words].join(" "), width),
      ...wrap(`${tool.description}.`, width),
    ],
    ...argumentsSection(tool, width),
    ...commandsSection(tool, width),
    ...optionGroups(tool).map(([group, entries]) => [
      `${group}:`,
      ...rows(
        entries.map(({ names, hint, description }) => [namesAndHint(names, hint), description]),
        width,
      ),
    ]),
    ...(tool.details ?? "")
      .trim()
      .split(/\n{2,}/)
      .filter((paragraph) => paragraph !== "")
      .map((paragraph) => wrap(paragraph, width)),
    ...examplesSection(tool, width),
    [
      ...hanging("Exit codes: ", `${[...commonExitCodes, ...(tool.exitCodes ?? [])].join("; ")}.`, width),
      `Manual page: man ${manualPageOf(tool.name)}`,
    ],
  ]
  return sections.map((lines) => lines.join("\n")).join("\n\n")
}

/** `-t, --instance-type TYPE`; names without a short one are indented so that the long ones stand in a column. */
export function namesAndHint(names: readonly string[], hint: string | null): string {
  const shown = names.join(", ")
  const indented = names[0]?.startsWith("--") ? `    ${shown}` : shown
  return hint === null ? indented : `${indented} ${hint}`
}

function argumentsSection(tool: Declaration, width: number): string[][] {
  const entries = positionalEntries(tool).filter(({ description }) => description !== "")
  if (entries.length === 0) return []
  return [
    [
      "Arguments:",
      ...rows(
        entries.map(({ word, description }) => [word.replace(/^\[|\]$/g, ""), description]),
        width,
      ),
    ],
  ]
}

function commandsSection({ commands = [] }: Declaration, width: number): string[][] {
  if (commands.length === 0) return []
  const lines = commands.flatMap(({ name, aliases = [], usage, summary }) => {
    const also = aliases.length > 0 ? ` (also ${aliases.join(", ")})` : ""
    return [...hanging("  ", `${name} ${usage}`.trim(), width), ...indented(`${summary}${also}`, 6, width)]
  })
  return [["Commands:", ...lines]]
}

function examplesSection({ examples = [] }: Declaration, width: number): string[][] {
  if (examples.length === 0) return []
  return [["Examples", ...examples.flatMap(({ run, does }) => [`  ${run}`, ...indented(does, 6, width)])]]
}

/** Two columns: the names, and the description beside them, or below where the names are long or the terminal narrow. */
function rows(entries: (readonly [left: string, right: string])[], width: number): string[] {
  const longest = Math.max(
    ...entries.map(([left]) => left.length).filter((length) => length <= widestNames),
    0,
  )
  const beside = width - longest - 4 >= narrowestDescription
  const column = beside ? longest + 4 : 8
  return entries.flatMap(([left, right]) => {
    const lines = wrap(right, width - column)
    const first =
      beside && left.length <= longest ? `  ${left.padEnd(column - 2)}${lines.shift() ?? ""}` : `  ${left}`
    return [first.trimEnd(), ...lines.map((line) => " ".repeat(column) + line)]
  })
}

function hanging(start: string, text: string, width: number): string[] {
  const [first = "", ...rest] = wrap(text, width - start.length)
  return [start + first, ...rest.map((line) => " ".repeat(start.length) + line)]
}

function indented(text: string, by: number, width: number): string[] {
  return wrap(text, width - by).map((line) => " ".repeat(by) + line)
}
