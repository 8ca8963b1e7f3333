import { defineTool, main } from "../lib/cli.ts"
import { pendingNotices } from "../lib/operations/enforcement/notices.ts"
import { active, currentInstances } from "../lib/operations/launches/active.ts"
import { carryOutChange } from "../lib/operations/launches/change.ts"
import { completions } from "../lib/operations/launches/completions.ts"
import { quotaOf } from "../lib/operations/launches/quota.ts"
import { settleOpportunistically } from "../lib/operations/launches/settle.ts"
import { waitFor } from "../lib/operations/launches/wait.ts"
import { requireMember } from "../lib/operations/roster/access.ts"
import { storedBy } from "../lib/operations/storage/own_storage.ts"
import { ec2Active } from "../lib/terminal/declarations/ec2_active.ts"
import { activeLines } from "../lib/terminal/launches/active_lines.ts"
import { activeJson, activeTables } from "../lib/terminal/launches/active_report.ts"
import { changeAsked } from "../lib/terminal/launches/change_request.ts"
import { changedLines } from "../lib/terminal/launches/changed_lines.ts"
import { quotaJson, quotaLines } from "../lib/terminal/launches/quota_lines.ts"
import { asksOfEverybody } from "../lib/terminal/reports/running_orders.ts"
import { storedJson, storedLines } from "../lib/terminal/storage/stored_lines.ts"

export const tool = defineTool({
  ...ec2Active,
  async run(args, context, output) {
    requireMember(context)
    if (args.complete) {
      for (const word of completions(context, args.complete)) output.line(word)
      return
    }
    if (asksOfEverybody(args)) {
      const { showEverybody } = await import("../lib/terminal/reports/show_everybody.ts")
      return showEverybody(context, args, output)
    }
    const change = changeAsked(args)
    for (const line of [...pendingNotices(context), ...(await settleOpportunistically(context))])
      output.note(line)
    if (change) {
      const dryRun = args["dry-run"]
      const changed = await carryOutChange(context, change, { dryRun })
      const { ids, state, failure } = changed
      const lines = changedLines(changed, dryRun)
      if (args.json) output.json({ done: lines, ids, dry_run: dryRun })
      else for (const line of lines) output.line(line)
      if (failure !== undefined) throw failure
      if (args.wait && state && !dryRun) await waitFor(context, ids, state, output.progress)
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
