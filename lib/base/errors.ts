/**
 * The errors that tools report. One grammar for all: `TOOL: ACTION: what is, what was wanted`; `lib/cli.ts` adds TOOL and
 * chooses the exit code.
 */

/** Exit codes, the same in every tool. */
export const ExitCode = {
  /** Done, or nothing to do. */
  done: 0,
  /** Something failed: AWS, a file, a database. */
  failed: 1,
  /** The command line or the request was wrong. */
  usage: 2,
  /** Policy refuses: a limit, a budget, somebody else's thing, a frozen course. */
  refused: 3,
  /** `hadoop_ec2` only: some of the cluster runs, some does not. */
  partlyLaunched: 4,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** An error with one line for its reader. `action` says what was being done, `reason` what is and what was wanted. */
export class ToolError extends Error {
  override readonly name: string = "ToolError"
  readonly exitCode: number = ExitCode.failed

  constructor(
    readonly action: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${action}: ${reason}`, options)
  }
}

/** Something outside failed, or a state was found that the tool cannot go on from (exit 1). */
export class Failed extends ToolError {
  override readonly name = "Failed"
}

/** The caller asked for something malformed (exit 2). */
export class UsageError extends ToolError {
  override readonly name = "UsageError"
  override readonly exitCode = ExitCode.usage
}

/** The caller asked for something well-formed that policy does not allow (exit 3). */
export class Refused extends ToolError {
  override readonly name = "Refused"
  override readonly exitCode = ExitCode.refused

  constructor(
    action: string,
    reason: string,
    /** A line of its own for the person, beside the error: what to do about it. */
    readonly hint: string | null = null,
  ) {
    super(action, reason)
  }
}

/** What the system refused, in the grammar of all errors: `mkdir /x: read-only file system (EROFS)`; null for anything else. */
export function systemRefusal(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  const { syscall, code, path } = error as NodeJS.ErrnoException
  if (syscall === undefined || code === undefined) return null
  if (fullDiskCode(error) !== null)
    return `${path === undefined ? syscall : `${syscall} ${path}`}: ${diskFull} (${code})`
  // Of networks and processes it says more in words of its own: `connect ECONNREFUSED 127.0.0.1:5000`.
  const [, reason] = /^[A-Z0-9]+: ([^,]+)/.exec(messageOf(error)) ?? []
  if (reason === undefined) return null
  return `${path === undefined ? syscall : `${syscall} ${path}`}: ${reason} (${code})`
}

/** What people read where a disk, or an account's share of it, takes no more. */
export const diskFull = "the disk is full"

/** Whether a full disk, or a used-up disk quota, is why something failed, whoever found it: the system, SQLite, one of our errors. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (fullDiskCode(error) !== null) return true
  return (error instanceof ToolError && error.reason.includes(diskFull)) || isDiskFull(error.cause)
}

function fullDiskCode(error: Error): string | null {
  const { code = "" } = error as NodeJS.ErrnoException
  return ["ENOSPC", "EDQUOT", "SQLITE_FULL"].includes(code) ? code : null
}

/** The message of whatever was thrown, on one line. */
export function messageOf(error: unknown): string {
  const fullCode = error instanceof Error ? fullDiskCode(error) : null
  if (fullCode !== null) return `${diskFull} (${fullCode})`
  const message = error instanceof Error ? error.message || error.name : String(error)
  const lines = message.split("\n").map((line) => line.trim())
  return lines.filter((line) => line !== "").join(" ")
}
