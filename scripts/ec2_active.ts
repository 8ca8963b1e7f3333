import { defineTool, main } from "../lib/cli.ts"
import { requireAccount } from "../lib/host/caller/caller.ts"
import { pendingNotices } from "../lib/operations/enforcement/notices.ts"
import { active, currentInstances } from "../lib/operations/launches/active.ts"
import { activeJson, activeTables } from "../lib/operations/launches/active_report.ts"
import { changeAsked } from "../lib/operations/launches/change.ts"
import { completions } from "../lib/operations/launches/completions.ts"
import { quotaJson, quotaLines, quotaOf } from "../lib/operations/launches/quota.ts"
import { settleOpportunistically } from "../lib/operations/launches/settle.ts"
import { waitFor } from "../lib/operations/launches/wait.ts"
import { storedBy, storedJson } from "../lib/operations/storage/own_storage.ts"
import { activeLines, storedLines } from "../lib/terminal/active_lines.ts"
import { ec2Active } from "../lib/terminal/declarations/ec2_active.ts"

export const tool = defineTool({
  ...ec2Active,
  async run(args, context, output) {
    requireAccount(context.caller, context.config.course)
    if (args.complete) {
      for (const word of completions(context, args.complete)) output.line(word)
      return
    }
    for (const line of [...pendingNotices(context), ...(await settleOpportunistically(context))])
      output.note(line)
    const change = changeAsked(args)
    if (change) {
      const { lines, ids, state, failure } = await change(context)
      if (args.json) output.json({ done: lines, ids, dry_run: args["dry-run"] })
      else for (const line of lines) output.line(line)
      if (failure !== undefined) throw failure
      if (args.wait && state && !args["dry-run"]) await waitFor(context, ids, state, output.progress)
      return
    }
    const { login } = context.caller
    if (args.quota) {
      const quota = quotaOf(context, login, await currentInstances(context))
      return args.json ? output.json(quotaJson(quota)) : output.line(quotaLines(quota).join("\n"))
    }
    if (args.storage) {
      const stored = await storedBy(context, login)
      return args.json ? output.json(storedJson(stored)) : output.line(storedLines(stored).join("\n"))
    }
    let shown = await active(context)
    if (args.wait) {
      const coming = shown.instances.filter(({ state }) => state === "pending").map(({ id }) => id)
      await waitFor(context, coming, "running", output.progress)
      shown = await active(context)
    }
    if (args.json) return output.json(activeJson(login, shown))
    output.line(activeLines(login, activeTables(shown, context.clock.now())).join("\n"))
  },
})

if (import.meta.main) await main(tool)
