import { defineTool, main } from "../lib/cli.ts"
import { initDatabases } from "../lib/operations/installation/databases.ts"

export const tool = defineTool({
  name: "init_dbs",
  description: "Make the data directory and both databases, bring old ones up to date, tighten their modes",
  arguments: {
    "dry-run": { type: "boolean", description: "Say what would be done" },
    json: { type: "boolean", description: "Print what was done as JSON" },
  },
  details: "Run as the privileged account. Running it again changes nothing.",
  async run(args, context, output) {
    const done = initDatabases(context, args["dry-run"])
    if (args.json) output.json({ done, dry_run: args["dry-run"] })
    else for (const line of done.length > 0 ? done : ["nothing to do"]) output.line(line)
  },
})

if (import.meta.main) await main(tool)
