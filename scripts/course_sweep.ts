import { UsageError } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { courseSweep } from "../lib/terminal/declarations/course_sweep.ts"

export const tool = defineTool({
  ...courseSweep,
  async run(args, context, output) {
    requireStaff(context.caller, context.config.course)
    const { apply, ids, keep, json } = args
    if (!apply && ids.length > 0) throw new UsageError("arguments", "IDs belong to --apply")
    if (apply && args.new) throw new UsageError("options", "--new removes nothing; leave --apply out")
    const { applySweep, planSweep, requireClean } = await import("../lib/operations/sweep/sweep.ts")
    if (apply) {
      const { removed, left } = await applySweep(context, { ids, keep })
      if (json) output.json({ removed: removed.map(({ kind, region, id }) => ({ kind, region, id })), left })
      else for (const { kind, id } of removed) output.line(`${kind} ${id}: removed`)
      if (!json && removed.length === 0) output.line("nothing was removed")
      requireClean(left)
      return
    }
    const { sweepJson, sweepLines, worthShowing } = await import("../lib/terminal/sweep/sweep_lines.ts")
    const plan = await planSweep(context, keep)
    const shown = args.new ? plan.found.filter(({ isNew }) => isNew) : plan.found
    const lines = shown.filter(worthShowing)
    if (json) output.json(sweepJson(plan, shown))
    else if (!args.new || lines.length > 0 || plan.unlisted.length > 0)
      for (const line of sweepLines(plan, lines)) output.line(line)
    requireClean(plan.unlisted)
  },
})

if (import.meta.main) await main(tool)
