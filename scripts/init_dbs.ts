import { defineTool, main } from "../lib/cli.ts"
import { initDatabases } from "../lib/operations/installation/databases.ts"
import { initDbs } from "../lib/terminal/declarations/init_dbs.ts"

export const tool = defineTool({
  ...initDbs,
  async run(args, context, output) {
    const { config, clock } = context
    const say = (line: string) => output.note(`init_dbs: ${line}`)
    const done = initDatabases({ config, clock, say }, args["dry-run"])
    if (args.json) output.json({ done, dry_run: args["dry-run"] })
    else for (const line of done.length > 0 ? done : ["nothing to do"]) output.line(line)
  },
})

if (import.meta.main) await main(tool)
