import { ExitCode, UsageError } from "../lib/base/errors.ts"
import { plural, quoted } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { lineInput } from "../lib/host/people/line_input.ts"
import { type KnownIdentity, killAll, planKillAll } from "../lib/operations/identities/kill_all.ts"
import { sessionEnder } from "../lib/operations/identities/session_denials.ts"
import { requireOwnCourse } from "../lib/operations/installation/course_mark.ts"
import { killAllAccounts } from "../lib/terminal/declarations/kill_all_accounts.ts"

export const tool = defineTool({
  ...killAllAccounts,
  async run(args, context, output) {
    const { config, clock, interrupt, audit, usersDb, aws, caller } = context
    const { progress } = output
    const actor = caller.login
    const sessions = sessionEnder(context, actor)
    const deps = { config, clock, interrupt, audit, usersDb, aws, progress, actor, sessions }
    const { name } = config.course
    const say = args.json ? () => {} : output.line
    const plan = await planKillAll(deps)
    const { identities, leftAlone } = plan
    for (const identity of identities) say(describe(identity))
    for (const { login, reason } of leftAlone) say(`${login}: left alone, ${reason}`)
    const ask = !args["dry-run"] && identities.length > 0
    if (!ask) {
      say(`${plural(identities.length, "account")} of ${name}; nothing was removed`)
      if (args.json)
        output.json({ course: name, accounts: identities, left_alone: leftAlone, removed: [], left: [] })
      return
    }
    await requireOwnCourse(context)
    output.note(`Type the course's name, ${name}, to remove ${plural(identities.length, "account")}:`)
    const typed = await lineInput(context).next({ mostBytes: 256 })
    if (typed?.trim() !== name) {
      throw new UsageError(
        "confirmation",
        `${quoted(typed ?? "")} was typed, wanted ${quoted(name)}; nothing was removed`,
      )
    }
    const { removed, left } = await killAll(deps, plan, { terminateInstances: args["terminate-instances"] })
    for (const login of removed) say(`${login}: removed`)
    for (const { login, what, reason } of left) say(`${login}: left: ${what}: ${reason}`)
    if (args.json) output.json({ course: name, accounts: identities, left_alone: leftAlone, removed, left })
    const { noteSweep } = await import("../lib/terminal/sweep/sweep_note.ts")
    await noteSweep(context, output)
    if (left.length > 0) return ExitCode.failed
  },
})

function describe({ login, inDatabase, inIam, instances }: KnownIdentity): string {
  const where = [...(inIam ? ["at AWS"] : []), ...(inDatabase ? ["in users.db"] : [])].join(" and ")
  const running = instances.length > 0 ? `, with ${instances.join(" ")}` : ""
  return `${login}: ${where}${running}`
}

if (import.meta.main) await main(tool)
