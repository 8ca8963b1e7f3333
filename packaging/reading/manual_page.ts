/** Manual pages in man(7), from a tool's declaration: what `--help` shows, for `man`. */
import {
  commonExitCodes,
  type Declaration,
  type OptionEntry,
  optionGroups,
  positionalEntries,
} from "../../lib/terminal/declaration.ts"
import { argument, literal, prose, verbatim } from "./roff.ts"

export interface PageFacts {
  /** The page's name, as it is typed: `ec2-run`. */
  command: string
  /** 1 for everybody's commands, 8 for the administrator's. */
  section: 1 | 8
  /** YYYY-MM-DD, of the release or the commit: two builds of one tree are alike. */
  date: string
  version: string
  /** Other pages of ours: `ec2-util(1)`. */
  seeAlso: readonly string[]
}

/** The whole page, ended by a line break. */
export function manualPage(tool: Declaration, facts: PageFacts): string {
  const { command } = facts
  const words = positionalEntries(tool)
  return page([
    title(command, facts),
    ".SH NAME",
    `${literal(command)} \\- ${literal(lowerFirst(tool.description))}`,
    ".SH SYNOPSIS",
    `.B ${literal(command)}`,
    ...prose(["[OPTION…]", ...words.map(({ word }) => word)].join(" ")),
    ".SH DESCRIPTION",
    ...prose(`${tool.description}.`),
    ...paragraphs(tool.details ?? "").flatMap((paragraph) => [".PP", ...prose(paragraph)]),
    ...(words.some(({ description }) => description !== "") ? [".SH ARGUMENTS"] : []),
    ...words
      .filter(({ description }) => description !== "")
      .flatMap(({ word, description }) => tagged(`\\fI${literal(word)}\\fR`, prose(`${description}.`))),
    ...(tool.commands?.length ? [".SH COMMANDS"] : []),
    ...(tool.commands ?? []).flatMap(({ name, aliases = [], usage, summary }) => {
      const also = aliases.length > 0 ? ` Also: ${aliases.join(", ")}.` : ""
      const head = `\\fB${literal(name)}\\fR${usage ? ` \\fI${literal(usage)}\\fR` : ""}`
      return tagged(head, prose(`${summary}.${also}`))
    }),
    ".SH OPTIONS",
    ...optionGroups(tool).flatMap(([group, entries]) => [
      ...(optionGroups(tool).length > 1 ? [`.SS ${argument(group)}`] : []),
      ...entries.flatMap(optionLines),
    ]),
    ".SH EXIT STATUS",
    ...[...commonExitCodes, ...(tool.exitCodes ?? [])].flatMap(exitLines),
    ...(tool.examples?.length ? [".SH EXAMPLES"] : []),
    ...(tool.examples ?? []).flatMap(({ run, does }, index) => [
      ...(index > 0 ? [".PP"] : []),
      ...prose(`${does}:`),
      ...verbatim([`    ${run}`]),
    ]),
    ".SH SEE ALSO",
    ...prose(facts.seeAlso.join(", ")),
  ])
}

/** The lines of a page without a blank one, which lint would find. */
export function page(lines: readonly string[]): string {
  return `${lines.filter((line) => line !== "").join("\n")}\n`
}

export function title(
  name: string,
  { section, date, version }: Omit<PageFacts, "section" | "command" | "seeAlso"> & { section: number },
): string {
  return `.TH ${argument(name.toUpperCase())} ${section} ${date} ${argument(`ec2-wrappers ${version}`)} "ec2-wrappers"`
}

/** A term with its explanation indented below or beside it. */
export function tagged(head: string, text: readonly string[]): string[] {
  return [".TP", head, ...text]
}

function optionLines({ names, hint, description }: OptionEntry): string[] {
  const shown = names.map((name) => `\\fB${literal(name)}\\fR`).join(", ")
  return tagged(hint === null ? shown : `${shown} \\fI${literal(hint)}\\fR`, prose(`${description}.`))
}

function exitLines(code: string): string[] {
  const [number = "", ...meaning] = code.split(" ")
  return /^\d+$/.test(number)
    ? tagged(`\\fB${number}\\fR`, prose(`${meaning.join(" ")}.`))
    : [".PP", ...prose(`${code}.`)]
}

function paragraphs(text: string): string[] {
  return text
    .trim()
    .split(/\n{2,}/)
    .filter((paragraph) => paragraph !== "")
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}
