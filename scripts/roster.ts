import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { roster } from "../lib/terminal/declarations/roster.ts"

export const tool = defineTool({
  ...roster,
  async run(args, context, output) {
    requireStaff(context.caller, context.config.course)
    const { runRoster } = await import("../lib/terminal/roster/roster_commands.ts")
    return runRoster(args, context, output)
  },
})

if (import.meta.main) await main(tool)
