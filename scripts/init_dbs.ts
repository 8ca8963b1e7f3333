import { resolve } from "node:path"
import { UsageError } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { initDatabases } from "../lib/operations/installation/databases.ts"
import { initDbs } from "../lib/terminal/declarations/init_dbs.ts"

export const tool = defineTool({
  ...initDbs,
  async run(args, context, output) {
    const { config, clock } = context
    const say = (line: string) => output.note(`init_dbs: ${line}`)
    const { "copy-from": from, "copy-to": to } = args
    if (from !== undefined || to !== undefined) {
      if ((from !== undefined && to !== undefined) || args["dry-run"])
        throw new UsageError("options", "--copy-from and --copy-to go alone")
      const { copyFrom, copyTo } = await import("../lib/operations/installation/copy_ledger.ts")
      const { login } = context.caller
      const lines =
        from === undefined
          ? copyTo(context, resolve(to ?? ""), login)
          : copyFrom(context, resolve(from), login)
      if (args.json) return output.json({ done: lines })
      for (const line of lines) output.line(line)
      return
    }
    const done = initDatabases({ config, clock, say }, args["dry-run"])
    if (args.json) output.json({ done, dry_run: args["dry-run"] })
    else for (const line of done.length > 0 ? done : ["nothing to do"]) output.line(line)
  },
})

if (import.meta.main) await main(tool)
