/** `setup --retire-keys`: shows what the old kind of credentials has left, and removes it when the course's name is typed. */
import { ExitCode, UsageError } from "../base/errors.ts"
import { plural, quoted } from "../base/text.ts"
import type { Context } from "../context.ts"
import { lineInput } from "../host/people/line_input.ts"
import { planRetirement, type RetiredLogin, retireKeys } from "../operations/identities/retire_keys.ts"
import { sessionEnder } from "../operations/identities/session_denials.ts"
import type { Output } from "./output.ts"

export async function retireOldKeys(
  context: Context,
  { dryRun, json }: { dryRun: boolean; json: boolean },
  output: Output,
): Promise<ExitCode> {
  const { config, clock, interrupt, audit, usersDb, aws, caller } = context
  const actor = caller.login
  const sessions = sessionEnder(context, actor)
  const deps = { config, clock, interrupt, audit, usersDb, aws, actor, sessions, progress: output.progress }
  const plan = await planRetirement(deps)
  const say = json ? () => {} : output.line
  for (const login of plan) say(described(login, dryRun))
  if (plan.length === 0) say("no login with sessions has a key, a password or an IAM user")
  let left: { login: string; reason: string }[] = []
  if (plan.length > 0 && !dryRun) {
    const { name } = config.course
    output.note(`Type the course's name, ${name}, to remove them of ${plural(plan.length, "login")}:`)
    const typed = await lineInput(context).next({ mostBytes: 256 })
    if (typed?.trim() !== name) {
      throw new UsageError(
        "confirmation",
        `${quoted(typed ?? "")} was typed, wanted ${quoted(name)}; nothing was removed`,
      )
    }
    left = await retireKeys(deps, plan)
    for (const { login, reason } of left) say(`${login}: left: ${reason}`)
    say(`removed those of ${plural(plan.length - new Set(left.map(({ login }) => login)).size, "login")}`)
  }
  if (json) output.json({ course: config.course.name, dry_run: dryRun, logins: plan.map(asJson), left })
  return left.length > 0 ? ExitCode.failed : ExitCode.done
}

function described(
  { login, keys, hasPassword, hasUser, hasSwitched }: RetiredLogin,
  dryRun: boolean,
): string {
  const what = [
    ...keys.map((id) => `access key ${id}`),
    ...(hasPassword ? ["password"] : []),
    ...(hasUser ? [`IAM user ${login}`] : []),
  ]
  const warning = hasSwitched ? "" : " (has not run ec2-util --init since the change, and still uses it)"
  return `${login}: ${dryRun ? "would remove " : ""}${what.join(", ")}${warning}`
}

function asJson({ login, keys, hasPassword, hasUser, hasSwitched }: RetiredLogin) {
  return {
    login,
    access_keys: keys,
    has_password: hasPassword,
    has_iam_user: hasUser,
    has_switched: hasSwitched,
  }
}
