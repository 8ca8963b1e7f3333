import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { requests } from "../lib/terminal/declarations/requests.ts"

export const tool = defineTool({
  ...requests,
  async run(args, context, output) {
    requireStaff(context.caller, context.config.course)
    const { runRequests } = await import("../lib/terminal/requests/request_commands.ts")
    return runRequests(args, context, output)
  },
})

if (import.meta.main) await main(tool)
