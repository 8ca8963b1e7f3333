import { resolve } from "node:path"
import { ExitCode, UsageError } from "../lib/base/errors.ts"
import { plural, quoted } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { explainActs, namedRequests } from "../lib/operations/audit/explain_acts.ts"
import { pruneLog } from "../lib/operations/audit/prune.ts"
import { verifyLog } from "../lib/operations/audit/verify.ts"
import { actLines, isSound, verifiedLines } from "../lib/terminal/audit/verified_lines.ts"
import { startOfNamedDay } from "../lib/terminal/day.ts"
import { audit } from "../lib/terminal/declarations/audit.ts"

export const tool = defineTool({
  ...audit,
  async run(args, context, output) {
    requireStaff(context.caller, context.config.course)
    const { command, cloudtrail, students, before, to } = args
    const since = args.since === undefined ? null : startOfNamedDay("--since", args.since)
    if (command === "prune") {
      if (cloudtrail || students || since !== null)
        throw new UsageError("options", "prune takes --before and --to")
      if (before === undefined || to === undefined)
        throw new UsageError("options", "prune needs --before DATE and --to FILE")
      const pruned = await pruneLog(
        context,
        startOfNamedDay("--before", before),
        resolve(to),
        context.caller.login,
      )
      if (args.json) output.json({ pruned: pruned.rows, up_to_row: pruned.upTo, file: resolve(to) })
      else output.line(`removed ${plural(pruned.rows, "row")}, up to row ${pruned.upTo}`)
      return ExitCode.done
    }
    if (command !== "verify")
      throw new UsageError("arguments", `${quoted(command)} is no command; wanted verify or prune`)
    if (before !== undefined || to !== undefined)
      throw new UsageError("options", "--before and --to belong to prune")
    if (!cloudtrail && (students || since !== null))
      throw new UsageError("options", "--since and --students belong to --cloudtrail")
    const named = namedRequests()
    const log = await verifyLog(context, named.add)
    const acts = cloudtrail ? await explainActs(context, named, since) : null
    const lines = [...verifiedLines(log), ...(acts ? actLines(acts, { students }) : [])]
    if (args.json) output.json({ sound: isSound(log), log, ...(acts && { cloudtrail: acts }) })
    else for (const line of lines) output.line(line)
    const isExplained = acts === null || acts.unexplained.length + acts.withoutAct.length === 0
    return isSound(log) && isExplained ? ExitCode.done : ExitCode.failed
  },
})

if (import.meta.main) await main(tool)
