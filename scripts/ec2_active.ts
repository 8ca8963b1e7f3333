import { defineTool, main } from "../lib/cli.ts"
import type { Context } from "../lib/context.ts"
import { useReserve } from "../lib/host/files/reserve.ts"
import { pendingNotices } from "../lib/operations/enforcement/notices.ts"
import { alsoOnFullDisk } from "../lib/operations/installation/full_disk.ts"
import { active, currentInstances } from "../lib/operations/launches/active.ts"
import { carryOutChange, endsSomething } from "../lib/operations/launches/change.ts"
import { completions } from "../lib/operations/launches/completions.ts"
import { quotaOf } from "../lib/operations/launches/quota.ts"
import { settleOpportunistically } from "../lib/operations/launches/settle.ts"
import { sshBlocks } from "../lib/operations/launches/ssh_blocks.ts"
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
    const change = args.complete || asksOfEverybody(args) ? null : changeAsked(args)
    // Before a database is opened: SQLite cannot open one on a full disk.
    if (change && endsSomething(change)) useReserve(context.config.paths.dataDir, "students")
    await alsoOnFullDisk(context, async (deps) => requireMember(deps))
    if (args.complete) {
      for (const word of completions(context, args.complete)) output.line(word)
      return
    }
    if (asksOfEverybody(args)) {
      const { showEverybody } = await import("../lib/terminal/reports/show_everybody.ts")
      return showEverybody(context, args, output)
    }
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
      if (args.wait && state && !dryRun) await waitFor(context, ids, state, output)
      return
    }
    if (args["ssh-config"]) {
      const { lines, left } = await sshBlocks(context)
      for (const id of left)
        output.warn(`${id}: nothing says whom its image lets in; ec2-ssh --user USER ${id} does`)
      for (const line of lines) output.line(line)
      return
    }
    if (args.wait) {
      const { instances } = await active(context)
      const coming = instances.filter(({ state }) => state === "pending").map(({ id }) => id)
      await waitFor(context, coming, "running", output)
    }
    await alsoOnFullDisk(context, async (deps, note) => {
      const shown = await shownOf(deps, args)
      if (note !== null) output.warn(note)
      if (args.json) output.json(shown.json)
      else output.line(shown.lines.join("\n"))
    })
  },
})

async function shownOf(
  deps: Context,
  { quota, storage }: { quota: boolean; storage: boolean },
): Promise<{ json: object; lines: string[] }> {
  const { login } = deps.caller
  if (quota) {
    const found = quotaOf(deps, login, await currentInstances(deps))
    return { json: quotaJson(found), lines: quotaLines(found) }
  }
  if (storage) {
    const found = await storedBy(deps, login)
    return { json: storedJson(found), lines: storedLines(found) }
  }
  const found = await active(deps)
  return {
    json: activeJson(login, found),
    lines: activeLines(login, activeTables(found, deps.clock.now())),
  }
}

if (import.meta.main) await main(tool)
