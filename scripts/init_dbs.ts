import { defineTool, main } from "../lib/cli.ts"

export const tool = defineTool({
  name: "init_dbs",
  description: "Create both databases, bring their schema up to date and tighten their modes",
  arguments: {},
  async run(_args, _context, output) {
    output.note("later")
  },
})

if (import.meta.main) await main(tool)
