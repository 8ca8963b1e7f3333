/**
 * From a tool's declaration to a process: strict arguments, `--help`, `--version`, one line for an error, the exit code.
 * A script declares a `Tool` and ends with `if (import.meta.main) await main(tool)`.
 */
import { type ArgsDef, type CommandDef, defineCommand } from "citty"
import { typedName } from "./base/commands.ts"
import { ExitCode, messageOf, Refused, systemRefusal, ToolError } from "./base/errors.ts"
import { escapeControls } from "./base/text.ts"
import { version, versionAndCommit } from "./base/version.ts"
import { type Context, openContext } from "./context.ts"
import { whyNotThisTool, writerSocket } from "./host/caller/caller_wrapper.ts"
import { limitThisRun } from "./host/processes/run_limits.ts"
import {
  type Arguments,
  type ArgumentTable,
  type PassThroughAfter,
  readArguments,
} from "./terminal/arguments.ts"
import type { Declaration } from "./terminal/declaration.ts"
import { forStudent } from "./terminal/for_students.ts"
import { helpText } from "./terminal/help.ts"
import { type Output, processOutput } from "./terminal/output.ts"

export type { Arguments } from "./terminal/arguments.ts"
export type { Output } from "./terminal/output.ts"

export interface Tool<T extends ArgumentTable = ArgumentTable> extends Declaration {
  arguments: T
  passThroughAfter?: PassThroughAfter
  /** Does the work; returns an exit code where it is not `done`. Prints only through `output`. */
  run(args: Arguments<T>, context: Context, output: Output): Promise<ExitCode | void>
}

/** A tool with citty's form of it: what its name is, which arguments and sub-commands it takes. */
export type DefinedTool<T extends ArgumentTable = ArgumentTable> = Tool<T> & { command: CommandDef }

/** The exit code of whatever cannot be started as it should be, as the wrappers in native/ have it. */
export const refusedToStart = 126

/** Keeps the table's literal types, so that `run` knows its arguments. */
export function defineTool<const T extends ArgumentTable>(tool: Tool<T>): DefinedTool<T> {
  const subCommands = (tool.commands ?? []).map(({ name, aliases = [], summary }) => [
    name,
    defineCommand({ meta: { name, description: summary, alias: [...aliases] } }),
  ])
  const command = defineCommand({
    meta: { name: tool.name, version, description: tool.description },
    args: tool.arguments as ArgsDef,
    ...(subCommands.length > 0 && { subCommands: Object.fromEntries(subCommands) }),
  })
  return { ...tool, command: command as CommandDef }
}

/** Runs a tool as this process and ends it with the tool's exit code. */
export async function main<T extends ArgumentTable>(script: Tool<T>): Promise<void> {
  const { interrupt, abandon } = signals()
  const tool = { ...script, name: typedName(script.name, process.env.EC2_WRAPPERS_COMMAND) }
  const output = processOutput(tool.name)
  const wrong = whyNotThisTool(script.name)
  if (wrong !== null) {
    output.note(`${tool.name}: ${wrong}`)
    process.exit(refusedToStart)
  }
  const code = await runTool(
    tool,
    process.argv.slice(2),
    () => openContext(tool.name, interrupt, abandon, output.warn),
    output,
  )
  const lost = output.flush()
  if (lost) output.warn(`stdout: cannot be written (${lost.code ?? lost.message}), output is lost`)
  process.exit(lost && code === ExitCode.done ? ExitCode.failed : code)
}

/**
 * Takes over the signals, which has to happen first of all: on a terminal Bun ends at SIGINT even where the wrapper had it
 * ignored. The first one only ends waiting, so that whatever has begun, a launch say, is finished and recorded; the second
 * gives up on AWS's answers too, and the next run settles what came of it.
 */
function signals(): { interrupt: AbortSignal; abandon: AbortSignal } {
  const interrupt = new AbortController()
  const abandon = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      const reason = new ToolError("interrupted", `by ${signal}`)
      if (interrupt.signal.aborted) abandon.abort(reason)
      else interrupt.abort(reason)
    })
  }
  return { interrupt: interrupt.signal, abandon: abandon.signal }
}

/** Runs a tool with these arguments and says every error on `output`; returns the exit code. Tests call this. */
async function runTool<T extends ArgumentTable>(
  tool: Tool<T>,
  argv: string[],
  open: () => Context,
  output: Output,
): Promise<ExitCode> {
  let context: Context | undefined
  try {
    const asked = askedOf(tool, argv)
    if (asked === "help") {
      output.line(helpText(tool, tool.name, output.columns))
      return ExitCode.done
    }
    if (asked === "version") {
      output.line(`${tool.name} ${versionAndCommit()}`)
      return ExitCode.done
    }
    const args = readArguments(tool.arguments, argv, tool.passThroughAfter)
    context = open()
    if (writerSocket() !== null) limitStudents(context, output)
    return (await tool.run(args, context, output)) ?? ExitCode.done
  } catch (error) {
    report(error, context?.debug ?? false, output)
    return error instanceof ToolError ? (error.exitCode as ExitCode) : ExitCode.failed
  } finally {
    context?.close()
  }
}

/** Before anything of the caller's is read. */
function limitStudents({ caller }: Context, output: Output): void {
  if (caller.isStaff) return
  limitThisRun((why) => {
    output.warn(why)
    process.exit(ExitCode.failed)
  })
}

function askedOf(tool: Pick<Tool, "passThroughAfter">, argv: string[]): "help" | "version" | null {
  const positionals: string[] = []
  for (const argument of argv) {
    if (argument === "--") return null
    if (argument === "--help" || argument === "-h") return "help"
    if (argument === "--version") return "version"
    if (!argument.startsWith("-")) positionals.push(argument)
    if (tool.passThroughAfter?.(positionals)) return null
  }
  return null
}

function report(error: unknown, debug: boolean, output: Output): void {
  const message =
    error instanceof ToolError ? error.message : (systemRefusal(error) ?? `unexpected: ${messageOf(error)}`)
  output.warn(escapeControls(isBehindWrapper() ? forStudent(message) : message))
  if (error instanceof Refused && error.hint !== null) output.note(escapeControls(error.hint))
  if (debug && error instanceof Error) output.note(String(error.stack))
}

/** Never throws, since it is asked while an error is said: a socket that the wrapper would not have set is an error of its own. */
function isBehindWrapper(): boolean {
  try {
    return writerSocket() !== null
  } catch {
    return true
  }
}
