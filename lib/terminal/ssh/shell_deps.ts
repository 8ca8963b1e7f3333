/** What logging in needs, out of the context and the options. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { msPerMinute, msPerSecond, parseDuration } from "../../base/time.ts"
import type { Context } from "../../context.ts"
import { unixUserPattern } from "../../decisions/ssh/login_target.ts"
import { systemPrograms } from "../../host/processes/programs.ts"
import { greetsAsSsh } from "../../host/ssh_greeting.ts"
import type { ShellDeps } from "../../operations/ssh/deps.ts"
import type { Output } from "../output.ts"

const patienceMs = 5 * msPerMinute
/** Packages come from the network, and small instances are slow. */
const installingMs = 15 * msPerMinute

/** Throws UsageError where an option is malformed. */
export function shellDeps(
  { config, caller, clock, interrupt, ownEc2 }: Context,
  { timeout, jupyter }: { timeout: string | undefined; jupyter: boolean },
  output: Output,
): ShellDeps {
  const timeoutMs = timeout === undefined ? (jupyter ? installingMs : patienceMs) : waitOf(timeout)
  if (timeoutMs === null)
    throw new UsageError(
      "options",
      `--timeout is ${quoted(timeout ?? "")}, wanted a duration such as 90s or 10m`,
    )
  let ec2: ReturnType<ShellDeps["ec2"]> | undefined
  return {
    login: caller.login,
    home: caller.home,
    courseUser: config.launch.user,
    ec2() {
      ec2 ??= ownEc2(config.aws.region)
      return ec2
    },
    programs: systemPrograms,
    clock,
    interrupt,
    timeoutMs,
    progress: output.progress,
    greets: greetsAsSsh,
  }
}

/** `90s`, too: nobody waits for a shell by the hour. */
function waitOf(text: string): number | null {
  const seconds = /^(\d{1,6})s$/.exec(text)?.[1]
  return seconds === undefined ? parseDuration(text) : Number(seconds) * msPerSecond
}

/** What --user says, null where it was not given. */
export function userAsked(user: string | undefined): string | null {
  if (user === undefined) return null
  if (unixUserPattern.test(user)) return user
  throw new UsageError("options", `--user is ${quoted(user)}, wanted the name of a Unix user`)
}
