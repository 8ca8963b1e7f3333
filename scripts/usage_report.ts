import { defineTool, main } from "../lib/cli.ts"
import { noticesFor } from "../lib/operations/enforcement/notices.ts"
import { report } from "../lib/operations/reports/report.ts"
import { usageReport } from "../lib/terminal/declarations/usage_report.ts"

export const tool = defineTool({
  ...usageReport,
  async run(args, context, output) {
    for (const line of noticesFor(context)) output.note(line)
    const { lines, notes } = await report(context, args, output.warn)
    for (const note of notes) output.warn(note)
    for (const line of lines) output.line(line)
  },
})

if (import.meta.main) await main(tool)
