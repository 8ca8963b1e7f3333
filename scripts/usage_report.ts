import { ExitCode } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { noticesOrNone } from "../lib/operations/enforcement/notices.ts"
import { alsoOnFullDisk } from "../lib/operations/installation/full_disk.ts"
import { report } from "../lib/operations/reports/report.ts"
import { usageReport } from "../lib/terminal/declarations/usage_report.ts"
import { budgetLine } from "../lib/terminal/reports/budget_line.ts"

export const tool = defineTool({
  ...usageReport,
  async run(args, context, output) {
    for (const line of noticesOrNone(context)) output.note(line)
    const reconcile = args.reconcile.length > 0 ? args.reconcile : undefined
    const { lines, notes, isComplete, budget } = await alsoOnFullDisk(context, async (deps, note) => {
      // What EC2 says could not be recorded.
      const offline = args.offline || note !== null
      const found = await report(deps, { ...args, offline, reconcile }, output.warn)
      return { ...found, notes: note === null ? found.notes : [note, ...found.notes] }
    })
    for (const note of notes) output.warn(note)
    for (const line of lines) output.line(line)
    // For a person at a terminal: programs have it in the JSON.
    if (budget && !args.json && output.interactive) output.note(budgetLine(budget))
    return isComplete ? ExitCode.done : ExitCode.failed
  },
})

if (import.meta.main) await main(tool)
