import { ExitCode } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { noticesFor } from "../lib/operations/enforcement/notices.ts"
import { report } from "../lib/operations/reports/report.ts"
import { usageReport } from "../lib/terminal/declarations/usage_report.ts"

export const tool = defineTool({
  ...usageReport,
  async run(args, context, output) {
    for (const line of noticesFor(context)) output.note(line)
    const reconcile = args.reconcile.length > 0 ? args.reconcile : undefined
    const { lines, notes, isComplete } = await report(context, { ...args, reconcile }, output.warn)
    for (const note of notes) output.warn(note)
    for (const line of lines) output.line(line)
    return isComplete ? ExitCode.done : ExitCode.failed
  },
})

if (import.meta.main) await main(tool)
