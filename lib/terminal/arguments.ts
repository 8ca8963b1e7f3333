/**
 * A strict reading of argv against a tool's table of arguments. citty defines the table's form and renders `--help`; its
 * own parser ignores unknown flags and takes `--count --dry-run` as a count, so the parsing is done here.
 */
import { parseArgs } from "node:util"
import type { BooleanArgDef, EnumArgDef, PositionalArgDef, StringArgDef } from "citty"
import { UsageError } from "../base/errors.ts"
import { didYouMean } from "../base/nearest.ts"
import { quoted } from "../base/text.ts"

/** What a shell may complete an argument's value with. Only `file` and `directory` are the shell's own. */
export type Completable = "file" | "directory" | "instance" | "stored" | "key" | "type" | "cluster" | "login"

/** What help and completions know of an argument beyond citty's definition. */
interface Shown {
  /** The heading that help lists it under. */
  group?: string
  completes?: Completable
  /** For completion scripts: help, manual pages and completions leave it out. */
  hidden?: true
}

/** citty's definition of an argument; `multiple` makes an option repeatable and a positional take all that is left. */
export type ArgumentDef = Shown &
  (
    | (BooleanArgDef & { type: "boolean" })
    | (StringArgDef & { type: "string"; multiple?: true })
    | (EnumArgDef & { type: "enum"; options: string[] })
    | (PositionalArgDef & { type: "positional"; multiple?: true })
  )

export type ArgumentTable = Record<string, ArgumentDef>

type ValueOf<D extends ArgumentDef> = D extends { type: "boolean" }
  ? boolean
  : D extends { multiple: true }
    ? string[]
    : D extends { type: "enum"; options: (infer O)[] }
      ? O | (D extends { default: string } ? never : undefined)
      : D extends { default: string } | { required: true }
        ? string
        : string | undefined

/** What a table's arguments were given as: flags as booleans, repeatable ones as lists, absent ones undefined. */
export type Arguments<T extends ArgumentTable> = { [K in keyof T]: ValueOf<T[K]> }

/** Ends the reading of options: everything after these positionals belongs to the last positional (ssh's commands). */
export type PassThroughAfter = (positionals: string[]) => boolean

/** Reads argv by the table; throws UsageError naming the first thing that is wrong. */
export function readArguments<T extends ArgumentTable>(
  table: T,
  argv: string[],
  passThroughAfter?: PassThroughAfter,
): Arguments<T> {
  const options = optionsByName(table)
  const given = tokensOf(options, argv, passThroughAfter)
  const values: Record<string, boolean | string | string[] | undefined> = {}
  for (const [name, def] of Object.entries(table)) {
    if (def.type === "boolean") values[name] = def.default ?? false
    else if ("multiple" in def && def.multiple) values[name] = []
    else values[name] = def.default
  }
  for (const { name, def, value } of given.options) {
    if (def.type === "boolean") values[name] = true
    else if ("multiple" in def && def.multiple) (values[name] as string[]).push(value)
    else values[name] = value
  }
  assignPositionals(table, given.positionals, values)
  return values as Arguments<T>
}

interface GivenOption {
  name: string
  def: Exclude<ArgumentDef, { type: "positional" }>
  value: string
}

type OptionsByName = Map<string, { name: string; def: GivenOption["def"] }>

function optionsByName(table: ArgumentTable): OptionsByName {
  const options: OptionsByName = new Map()
  for (const [name, def] of Object.entries(table)) {
    if (def.type === "positional") continue
    for (const alias of [name, def.alias ?? []].flat()) options.set(alias, { name, def })
  }
  return options
}

function tokensOf(options: OptionsByName, argv: string[], passThroughAfter?: PassThroughAfter) {
  const given = { options: [] as GivenOption[], positionals: [] as string[] }
  const { tokens } = parseArgs({
    args: argv,
    options: Object.fromEntries(
      [...options].map(([alias, { name, def }]) => [
        alias.length > 1 ? alias : name,
        {
          type: def.type === "boolean" ? ("boolean" as const) : ("string" as const),
          ...shortOf(def),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  for (const token of tokens) {
    if (token.kind === "positional") {
      given.positionals.push(token.value)
      if (passThroughAfter?.(given.positionals)) {
        given.positionals.push(...argv.slice(token.index + 1))
        break
      }
    } else if (token.kind === "option") given.options.push(checkedOption(options, token))
  }
  return given
}

function shortOf(def: GivenOption["def"]): { short?: string } {
  const short = [def.alias ?? []].flat().find((alias) => alias.length === 1)
  return short === undefined ? {} : { short }
}

function checkedOption(
  options: OptionsByName,
  token: { name: string; rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
): GivenOption {
  const option = options.get(token.name)
  if (!option) {
    const known = [...options.keys()].filter((name) => name.length > 1)
    throw new UsageError(
      "options",
      `unknown option ${quoted(token.rawName)}${didYouMean(token.name, known, "--")} (--help lists them)`,
    )
  }
  const { name, def } = option
  if (def.type === "boolean") {
    if (token.inlineValue) throw new UsageError("options", `${token.rawName} takes no value`)
    return { name, def, value: "" }
  }
  const { value } = token
  if (value === undefined) throw new UsageError("options", `${token.rawName} needs a value`)
  if (!token.inlineValue && /^-./.test(value)) {
    throw new UsageError(
      "options",
      `${token.rawName} needs a value, not ${quoted(value)} (if that is the value, write --${name}=${escapeless(value)})`,
    )
  }
  if (def.type === "enum" && !def.options.includes(value)) {
    throw new UsageError(
      "options",
      `--${name} is ${quoted(value)}, wanted one of ${def.options.join(", ")}${didYouMean(value, def.options)}`,
    )
  }
  return { name, def, value }
}

function escapeless(value: string): string {
  return quoted(value).slice(1, -1)
}

function assignPositionals(
  table: ArgumentTable,
  positionals: string[],
  values: Record<string, unknown>,
): void {
  const left = [...positionals]
  for (const [name, def] of Object.entries(table)) {
    if (def.type !== "positional") continue
    if (def.multiple) values[name] = left.splice(0)
    else if (left.length > 0) values[name] = left.shift()
    const missing = values[name] === undefined || (def.multiple && (values[name] as string[]).length === 0)
    if (missing && def.required === true) {
      throw new UsageError("arguments", `${name.toUpperCase()} is missing (--help shows the usage)`)
    }
  }
  const [extra] = left
  if (extra === undefined) return
  throw new UsageError("arguments", `unexpected argument ${quoted(extra)}${didYouMeanOption(extra, table)}`)
}

/** `terminate` in place of `--terminate`: `, did you mean --terminate?`, or nothing. */
export function didYouMeanOption(word: string, table: ArgumentTable): string {
  const options = Object.entries(table).filter(([, def]) => def.type !== "positional" && !def.hidden)
  return didYouMean(
    word,
    options.map(([name]) => name),
    "--",
  )
}

/** What a tool with sub-commands says to a word that is none of them. */
export function unknownCommand(word: string, names: readonly string[]): UsageError {
  return new UsageError("command", `${quoted(word)} is none of ${names.join(" ")}${didYouMean(word, names)}`)
}
