/** `ec2-util --credentials` and `--console`. They run for programs and at every start of a client: nothing else is loaded or said. */
import { UsageError } from "../base/errors.ts"
import { quoted } from "../base/text.ts"
import type { Context } from "../context.ts"
import { currentSession, type SessionDeps } from "../operations/identities/session.ts"
import type { Arguments } from "./arguments.ts"
import type { ec2Util } from "./declarations/ec2_util.ts"
import type { Output } from "./output.ts"
import { type CredentialFormat, credentialFormats, linkNote, sessionText } from "./session_output.ts"

type SessionArguments = Arguments<(typeof ec2Util)["arguments"]>

/** Prints what was asked for, and nothing else, on stdout. Throws UsageError where other options are given, too. */
export async function printSession(args: SessionArguments, context: Context, output: Output): Promise<void> {
  requireAlone(args)
  const deps = sessionDeps(context)
  if (args.credentials) {
    const format = formatOf(args.format)
    output.line(sessionText(await currentSession(deps), format))
    return
  }
  const isAsked = args.format === "url"
  if (args.format !== undefined && !isAsked) throw wrongFormat(args.format, ["url"])
  if (!output.onTerminal && !isAsked) {
    throw new UsageError(
      "console",
      "the link is a secret and would go into a pipe or a file; --format url writes it there",
    )
  }
  const { consoleLink } = await import("../operations/identities/console_link.ts")
  const { url, usableMs, untilUtcMs } = await consoleLink(deps)
  output.line(url)
  if (output.onTerminal) output.note(linkNote(usableMs, untilUtcMs, context.clock.now()))
}

function sessionDeps(context: Context): SessionDeps {
  const { config, clock, interrupt, audit, usersDb, aws, caller } = context
  const { login, uid } = caller
  return {
    config,
    clock,
    interrupt,
    audit,
    usersDb,
    aws,
    login,
    uid,
    suspension: () =>
      context.usageDb.suspensions.current(login, config.course.termStartUtcMs)?.reason ?? null,
  }
}

function requireAlone({ credentials, console, format: _format, ...others }: SessionArguments): void {
  const more = Object.entries(others).find(([, value]) => value !== undefined && value !== false)
  const other = credentials && console ? "console" : more?.[0]
  if (other === undefined) return
  const option = credentials ? "credentials" : "console"
  throw new UsageError("options", `--${option} is used by itself, without --${other}`)
}

function formatOf(given: string | undefined): CredentialFormat {
  const format = credentialFormats.find((known) => known === (given ?? "process"))
  if (format === undefined) throw wrongFormat(given ?? "", credentialFormats)
  return format
}

function wrongFormat(given: string, wanted: readonly string[]): UsageError {
  return new UsageError("options", `--format is ${quoted(given)}, wanted ${wanted.join(", ")}`)
}
