import { defineTool, main } from "../lib/cli.ts"
import { greetings } from "../lib/operations/enforcement/notices.ts"
import { launch } from "../lib/operations/launches/launch.ts"
import { askedBy, defaultCount } from "../lib/operations/launches/options.ts"
import { costLines, failedReply, idsOf, idsReply, launchedReply } from "../lib/operations/launches/reply.ts"
import { waitFor } from "../lib/operations/launches/wait.ts"
import { createStorage } from "../lib/operations/storage/storage.ts"

export const tool = defineTool({
  name: "ec2_runner",
  description:
    "Launch instances, within the course's limits and your budget; prints their ids as a JSON array",
  arguments: {
    ami: { type: "string", alias: "a", description: "Image id, or the name of a public SSM parameter" },
    count: { type: "string", alias: "c", default: defaultCount, description: "How many" },
    "key-name": { type: "string", alias: "k", description: "Your SSH key (LOGIN-default)" },
    "availability-zone": { type: "string", alias: "z", description: "Zone, such as us-east-1a" },
    "placement-group": { type: "string", alias: "g", description: "Placement group" },
    "instance-type": { type: "string", alias: "t", description: "Type, such as t3.micro" },
    "user-data": {
      type: "string",
      alias: "u",
      description: "User data: a script, or what else cloud-init runs",
    },
    spot: { type: "boolean", alias: "s", description: "Spot instances; prints the ids of their requests" },
    "max-price": {
      type: "string",
      description: "Most US$ per hour for a spot instance (the on-demand price)",
    },
    "security-group": { type: "string", multiple: true, description: "Name or id; repeatable" },
    "stdin-user-data": { type: "boolean", description: "Read the user data from stdin" },
    "stdin-json": { type: "boolean", description: "Read the whole request from stdin, as one JSON object" },
    subnet: { type: "string", description: "Subnet id" },
    lease: { type: "string", description: "How long they may run, such as 3h; then they are ended" },
    "root-gib": { type: "string", description: "Size of the root volume in GiB" },
    "instance-profile": {
      type: "string",
      description: "IAM instance profile, of those that the course lists",
    },
    tag: { type: "string", multiple: true, description: "NAME=VALUE; repeatable" },
    "client-token": { type: "string", description: "Asking again with the same token launches nothing more" },
    wait: { type: "boolean", description: "Return when they run" },
    json: { type: "boolean", description: "Print the reply of protocol 2: ids, addresses, cost, lease" },
    "dry-run": { type: "boolean", description: "Show the price, the worst case and what would be left" },
  },
  async run(args, context, output) {
    for (const line of greetings(context)) output.note(line)
    if (args["stdin-json"]) output.note("Loading request from stdin")
    let isProtocol2 = args.json
    try {
      const asked = await askedBy(args, context.clock)
      isProtocol2 ||= asked.protocol === 2
      if (asked.isStorage) return output.json(await createStorage(context, asked.storageOrder()))
      const order = asked.order()
      const launched = await launch(context, order)
      for (const note of launched.notes) output.note(note)
      // For people: a program has the price in its reply.
      if (order.dryRun && order.protocol === 1) for (const line of costLines(launched)) output.note(line)
      if (args.wait) await waitFor(context, idsOf(launched), "running", output.progress)
      output.json(isProtocol2 ? launchedReply(launched) : idsReply(launched, order))
    } catch (error) {
      if (isProtocol2) output.json(failedReply(error))
      throw error
    }
  },
})

if (import.meta.main) await main(tool)
