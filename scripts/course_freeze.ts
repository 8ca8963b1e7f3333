import { Failed, UsageError } from "../lib/base/errors.ts"
import { loginPattern } from "../lib/base/login.ts"
import { quoted } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { carryOutHalt, planHalt } from "../lib/operations/enforcement/freeze.ts"
import { settleOpportunistically } from "../lib/operations/launches/settle.ts"
import { requireTyped } from "../lib/terminal/confirmation.ts"
import { courseFreeze } from "../lib/terminal/declarations/course_freeze.ts"

export const tool = defineTool({
  ...courseFreeze,
  async run(args, context, output) {
    requireStaff(context.caller, context.config.course)
    const { login = null, lift, stop, terminate, reason } = args
    if (login !== null && !loginPattern.test(login))
      throw new UsageError("arguments", `${quoted(login)} is no login`)
    if (stop && terminate) throw new UsageError("options", "--stop and --terminate exclude each other")
    if (lift && (stop || terminate)) throw new UsageError("options", "--lift ends nothing")
    const action = terminate ? "terminate" : stop ? "stop" : null
    for (const line of await settleOpportunistically(context)) output.note(line)
    const plan = await planHalt(context, { login, lift, action, reason })
    if (args.json) output.json({ dry_run: args["dry-run"], plan: plan.lines })
    else for (const line of plan.lines) output.line(line)
    if (args["dry-run"]) {
      if (plan.unlisted.length > 0) throw new Failed("plan", plan.unlisted.join("; "))
      return
    }
    if (!args.yes) await requireTyped(login ?? context.config.course.name, output, context.clock)
    await carryOutHalt(context, plan)
    output.note("done")
  },
})

if (import.meta.main) await main(tool)
