import { defineTool, main } from "../lib/cli.ts"
import { pendingNotices } from "../lib/operations/enforcement/notices.ts"
import { launch } from "../lib/operations/launches/launch.ts"
import { failedReply, idsOf, idsReply, launchedReply } from "../lib/operations/launches/reply.ts"
import { waitFor } from "../lib/operations/launches/wait.ts"
import { createVolumesOrSnapshot } from "../lib/operations/storage/storage.ts"
import { ec2Runner } from "../lib/terminal/declarations/ec2_runner.ts"
import { completeOrder } from "../lib/terminal/launches/complete_order.ts"
import { costLines } from "../lib/terminal/launches/cost_lines.ts"
import { launchLines } from "../lib/terminal/launches/launch_lines.ts"
import { askedBy } from "../lib/terminal/launches/launch_request.ts"

export const tool = defineTool({
  ...ec2Runner,
  async run(args, context, output) {
    for (const line of pendingNotices(context)) output.note(line)
    if (args["stdin-json"]) output.note("Loading request from stdin")
    let isProtocol2 = args.json
    try {
      const asked = await askedBy(args, context.clock)
      isProtocol2 ||= asked.protocol === 2
      if (asked.isStorage) return output.json(await createVolumesOrSnapshot(context, asked.storageOrder()))
      const order = args["stdin-json"] ? asked.order() : await completeOrder(context, asked.order(), output)
      const launched = await launch(context, order)
      for (const note of launched.notes) output.note(note)
      // For people: a program has the price in its reply.
      if (order.dryRun && order.protocol === 1) for (const line of costLines(launched)) output.note(line)
      if (!args["stdin-json"] && !args.json)
        for (const line of launchLines(launched, context.clock.now(), args.jupyter)) output.note(line)
      if (args.wait) await waitFor(context, idsOf(launched), "running", output)
      output.json(isProtocol2 ? launchedReply(launched) : idsReply(launched, order))
    } catch (error) {
      if (isProtocol2) output.json(failedReply(error))
      throw error
    }
  },
})

if (import.meta.main) await main(tool)
