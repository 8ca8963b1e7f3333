/** The sub-commands of `roster`. */
import { readFileSync, statSync } from "node:fs"
import { basename } from "node:path"
import { ExitCode, Failed, messageOf, Refused, UsageError } from "../../base/errors.ts"
import { escapeControls, plural, quoted } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { Context } from "../../context.ts"
import type { RosterEntry } from "../../decisions/roster/roster_entry.ts"
import { type RosterFile, readRosterFile, rosterFileLine } from "../../decisions/roster/roster_file.ts"
import { type RosterPlan, whyDoubtful } from "../../decisions/roster/roster_plan.ts"
import { readStdin } from "../../host/people/stdin.ts"
import { sessionEnder } from "../../operations/identities/session_denials.ts"
import type { RosterDeps } from "../../operations/roster/deps.ts"
import { finishImports } from "../../operations/roster/finish_import.ts"
import { planImport, putRoster, rosterBeforeThis, summaryOf } from "../../operations/roster/import_roster.ts"
import { holdingsOf } from "../../operations/roster/roster_holdings.ts"
import { type Arguments, unknownCommand } from "../arguments.ts"
import type { roster } from "../declarations/roster.ts"
import type { Output } from "../output.ts"
import {
  droppedLines,
  entryJson,
  holdingsJson,
  rosterPlanJson,
  rosterPlanLines,
  rosterTable,
} from "./roster_lines.ts"

type Args = Arguments<typeof roster.arguments>

const mostBytes = 16 << 20

export async function runRoster(args: Args, context: Context, output: Output): Promise<ExitCode> {
  const deps: RosterDeps = depsOf(context)
  requireUsedOptions(args)
  switch (args.command) {
    case "import":
      return importFile(args, deps, output, await fileOf(args, deps))
    case "restore": {
      const { source, people } = rosterBeforeThis(deps)
      output.note(escapeControls(`the roster before this one: ${source}`))
      const order = { people, isWhole: true, source: `${source}, again`, isCutOff: false }
      return putInForce(args, deps, output, order)
    }
    case "list":
      return list(args, deps, output)
    case "finish":
      return finish(args, deps, output, {})
    default:
      throw unknownCommand(args.command, ["import", "list", "restore", "finish"])
  }
}

function depsOf(context: Context): RosterDeps {
  const { clock, config, caller, usersDb, usageDb, audit, aws, interrupt } = context
  const sessions = sessionEnder(context, caller.login)
  return { clock, config, caller, usersDb, usageDb, audit, aws, interrupt, sessions }
}

function requireUsedOptions({
  command,
  file,
  section,
  "all-sections": all,
  "login-column": column,
  drop,
}: Args): void {
  if (command === "import" && file === undefined)
    throw new UsageError("arguments", "import wants a FILE, or - for standard input")
  if (command === "import") {
    if (section !== undefined && all)
      throw new UsageError("options", "--section and --all-sections exclude each other")
    return
  }
  if (file !== undefined) throw new UsageError("arguments", `${command} takes no FILE`)
  if (section !== undefined || all || column !== undefined)
    throw new UsageError("options", "--section, --all-sections and --login-column belong to import")
  if (drop !== undefined && command !== "restore")
    throw new UsageError("options", "--drop belongs to import and restore")
}

async function fileOf(
  { file = "", section, "login-column": column }: Args,
  { clock, config }: RosterDeps,
): Promise<RosterFile> {
  const name = file === "-" ? "standard input" : file
  const bytes = file === "-" ? await readStdin(clock, { mostBytes }) : bytesOf(file)
  const read = readRosterFile(bytes, {
    loginColumn: column ?? null,
    section: section ?? null,
    accounts: config.course.accounts,
  })
  if ("refused" in read) throw new Refused(name, read.refused)
  return read
}

function bytesOf(path: string): Uint8Array {
  try {
    const stats = statSync(path)
    if (!stats.isFile() || stats.size > mostBytes)
      throw new Failed(path, `is not a file of at most ${mostBytes >> 20} MiB`)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Failed) throw error
    const hint =
      (error as NodeJS.ErrnoException).code === "EACCES" ? "; roster import - < FILE reads it as you" : ""
    throw new Failed(path, `${messageOf(error)}${hint}`)
  }
}

function importFile(args: Args, deps: RosterDeps, output: Output, file: RosterFile): Promise<ExitCode> {
  const { usageDb } = deps
  if (!args.json) for (const line of file.left) output.note(escapeControls(line))
  output.note(rosterFileLine(file))
  const known = usageDb.roster.entries().some(({ sections }) => sections.length > 0)
  if (known && !file.hasSections && !args["all-sections"])
    throw new Refused(
      "roster",
      "the file has no column for sections, and the roster has sections; give --section NAME, or --all-sections",
    )
  const isWhole = args["all-sections"] || !known
  const source = args.file === "-" ? "standard input" : basename(args.file ?? "")
  return putInForce(args, deps, output, { people: file.people, isWhole, source, isCutOff: file.isCutOff })
}

interface Order {
  people: readonly RosterEntry[]
  isWhole: boolean
  source: string
  isCutOff: boolean
}

async function putInForce(args: Args, deps: RosterDeps, output: Output, order: Order): Promise<ExitCode> {
  const plan = deps.usageDb.transaction(() => planImport(deps, order.people, order))
  const holdings = (login: string) => holdingsOf(deps, login)
  const shown = { dry_run: args["dry-run"], ...rosterPlanJson(plan, holdings) }
  if (!args.json) {
    for (const line of rosterPlanLines(plan, holdings)) output.line(line)
    output.line(summaryOf(plan))
  }
  const because = whyDoubted(plan, order, args.drop)
  if (args["dry-run"]) {
    if (args.json) output.json(shown)
    if (because !== null) output.note(`would be refused: ${because}`)
    return ExitCode.done
  }
  if (because !== null) throw new Refused("roster", because)
  putRoster(deps, { ...order, shown: plan })
  return finish(args, deps, output, shown)
}

/** Why the import is refused, or null. */
function whyDoubted(plan: RosterPlan, order: Order, drop: string | undefined): string | null {
  const count = plan.dropped.length
  if (drop !== undefined)
    return drop === String(count)
      ? null
      : `the import drops ${plural(count, "person", "people")}, not ${quoted(drop)}`
  const doubt = whyDoubtful(plan, order)
  return doubt && `the import ${doubt}; if that is right, add --drop ${count}`
}

async function finish(args: Args, deps: RosterDeps, output: Output, shown: object): Promise<ExitCode> {
  const failed = await finishImports(deps)
  if (args.json) output.json({ ...shown, failed })
  if (failed.length === 0) return ExitCode.done
  throw new Failed("roster", `${failed.join("; ")}; roster finish, or usage_cron, tries again`)
}

function list(args: Args, deps: RosterDeps, output: Output): ExitCode {
  const { usageDb } = deps
  const [last] = usageDb.roster.imports()
  const entries = usageDb.roster.entries()
  const dropped = usageDb.rosterDrops.all()
  const holdings = (login: string) => holdingsOf(deps, login)
  if (args.json) {
    output.json({
      imported: last && { source: last.source, by: last.importedBy, at: isoUtc(last.importedAtUtcMs) },
      people: entries.map(entryJson),
      dropped: dropped.map(({ login, person, droppedAtUtcMs }) => ({
        ...{ login, person, dropped: isoUtc(droppedAtUtcMs) },
        ...holdingsJson(holdings(login)),
      })),
    })
    return ExitCode.done
  }
  if (!last) output.line("no roster has been imported; the config's accounts say who may use the course")
  else {
    for (const line of rosterTable(entries)) output.line(line)
    output.line(
      escapeControls(
        `${plural(entries.length, "person", "people")}, from ${last.source} by ${last.importedBy} at ${isoUtc(last.importedAtUtcMs)}`,
      ),
    )
  }
  for (const line of droppedLines(dropped, holdings)) output.line(line)
  return ExitCode.done
}
