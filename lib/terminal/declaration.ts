/** A tool as its readers see it: the one source of `--help`, the manual pages and the completions. */
import type { ArgumentDef, ArgumentTable } from "./arguments.ts"

export interface Example {
  /** A command line as it is typed. */
  run: string
  /** What it does, as a sentence without a full stop. */
  does: string
}

/** A sub-command, such as `hadoop-ec2 list`. */
export interface CommandForm {
  name: string
  aliases?: readonly string[]
  /** The words after its name, such as `CLUSTER N`. */
  usage: string
  summary: string
  /** The options that only some sub-commands take and that this one takes. */
  options?: readonly string[]
}

export interface Declaration {
  /** The executable's name under libexec. */
  name: string
  /** One line, in the imperative, without a full stop. */
  description: string
  arguments: ArgumentTable
  /** Paragraphs, separated by empty lines. */
  details?: string
  examples?: readonly Example[]
  commands?: readonly CommandForm[]
  /** Exit codes beside the common ones, in a phrase each. */
  exitCodes?: readonly string[]
}

/** An option with the names and words that help, manual page and completions show. */
export interface OptionEntry {
  /** As they are typed, the short one first: `-t`, `--instance-type`. */
  names: string[]
  /** The word for its value, null for a flag. */
  hint: string | null
  description: string
  group: string
  def: Exclude<ArgumentDef, { type: "positional" }>
}

export interface PositionalEntry {
  /** As usage shows it: `CLUSTER`, `[WORDS…]`. */
  word: string
  description: string
  def: Extract<ArgumentDef, { type: "positional" }>
}

const otherGroup = "Other options"

/** Every tool has these two. */
const commonArguments = {
  help: { type: "boolean", alias: "h", description: "Show this help", group: otherGroup },
  version: { type: "boolean", description: "Show the version", group: otherGroup },
} as const satisfies ArgumentTable

/** The exit codes that every tool has (lib/base/errors.ts). */
export const commonExitCodes = [
  "0 done, or nothing to do",
  "1 failed",
  "2 wrong usage",
  "3 refused by policy",
] as const

/** The options of a tool in the order of its table, those without a group and the common ones at the end. */
export function optionEntries(tool: Declaration): OptionEntry[] {
  return Object.entries({ ...tool.arguments, ...commonArguments } as ArgumentTable).flatMap(([name, def]) => {
    if (def.type === "positional" || def.hidden) return []
    const aliases = [def.alias ?? []].flat()
    const all = [...aliases, name].toSorted((a, b) => Number(a.length > 1) - Number(b.length > 1))
    return {
      names: all.map((alias) => (alias.length > 1 ? `--${alias}` : `-${alias}`)),
      hint: hintOf(name, def),
      description: `${def.description ?? ""}${"multiple" in def && def.multiple ? "; repeatable" : ""}`,
      group: def.group ?? otherGroup,
      def,
    }
  })
}

function hintOf(name: string, def: ArgumentDef): string | null {
  if (def.type === "boolean") return null
  if (def.type === "enum") return def.options.join("|")
  return def.valueHint ?? (name.split("-").at(-1) ?? name).toUpperCase()
}

/** The groups in the order in which they first appear, the other options last. */
export function optionGroups(tool: Declaration): [group: string, entries: OptionEntry[]][] {
  const groups = Map.groupBy(optionEntries(tool), ({ group }) => group)
  const other = groups.get(otherGroup) ?? []
  groups.delete(otherGroup)
  const rest: [string, OptionEntry[]] = [groups.size === 0 ? "Options" : otherGroup, other]
  return [...groups, rest]
}

export function positionalEntries(tool: Declaration): PositionalEntry[] {
  return Object.entries(tool.arguments).flatMap(([name, def]) => {
    if (def.type !== "positional") return []
    const word = `${def.valueHint ?? name.toUpperCase()}${def.multiple ? "..." : ""}`
    return { word: def.required === true ? word : `[${word}]`, description: def.description ?? "", def }
  })
}

/** `table` with every argument listed under `group` in help. */
export function grouped<const T extends ArgumentTable>(group: string, table: T): T {
  return Object.fromEntries(Object.entries(table).map(([name, def]) => [name, { ...def, group }])) as T
}
