import { Failed, UsageError } from "../lib/base/errors.ts"
import { loginPattern } from "../lib/base/login.ts"
import { quoted } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { useReserve } from "../lib/host/files/reserve.ts"
import { carryOutHalt, planHalt } from "../lib/operations/enforcement/freeze.ts"
import { requireKnownLogin } from "../lib/operations/enforcement/known_login.ts"
import { haltsNow } from "../lib/operations/launches/halts.ts"
import { settleOpportunistically } from "../lib/operations/launches/settle.ts"
import { requireTyped } from "../lib/terminal/confirmation.ts"
import { courseFreeze } from "../lib/terminal/declarations/course_freeze.ts"
import { statusJson, statusLines } from "../lib/terminal/launches/halt_lines.ts"

export const tool = defineTool({
  ...courseFreeze,
  async run(args, context, output) {
    const { course } = context.config
    requireStaff(context.caller, course)
    const { login = null, lift, stop, terminate, status, reason } = args
    if (login !== null && !loginPattern.test(login))
      throw new UsageError("arguments", `${quoted(login)} is no login`)
    if (stop && terminate) throw new UsageError("options", "--stop and --terminate exclude each other")
    if (lift && (stop || terminate))
      throw new UsageError("options", "--lift cannot be combined with --stop or --terminate")
    if (status && (lift || stop || terminate))
      throw new UsageError("options", "--status changes nothing, leave --lift, --stop and --terminate out")
    if (login !== null && !args.force) requireKnownLogin(context, login)
    if (status) {
      const halts = haltsNow(context, login)
      if (args.json) return output.json(statusJson(halts))
      return output.line(statusLines(course.name, login, halts).join("\n"))
    }
    const action = terminate ? "terminate" : stop ? "stop" : null
    // Before a database is opened: SQLite cannot open one on a full disk.
    if (!lift && !args["dry-run"]) useReserve(context.config.paths.dataDir, "enforcement")
    for (const line of await settleOpportunistically(context)) output.note(line)
    const plan = await planHalt(context, { login, lift, action, reason })
    if (args.json) output.json({ dry_run: args["dry-run"], plan: plan.lines })
    else for (const line of plan.lines) output.line(line)
    if (args["dry-run"]) {
      if (plan.unlisted.length > 0) throw new Failed("plan", plan.unlisted.join("; "))
      return
    }
    if (!args.yes) await requireTyped(login ?? course.name, output, context.clock)
    await carryOutHalt(context, plan)
    output.note("done")
  },
})

if (import.meta.main) await main(tool)
