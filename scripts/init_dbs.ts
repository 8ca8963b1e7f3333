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
    const dryRun = args["dry-run"]
    const lines = initDatabases({ config, clock, say }, dryRun)
    const done = dryRun ? lines.map(wouldLine) : lines
    if (args.json) output.json({ done, dry_run: dryRun })
    else for (const line of done.length > 0 ? done : ["nothing to do"]) output.line(line)
  },
})

const verbs: Record<string, string> = { made: "make", tightened: "tighten", copied: "copy", added: "add" }

/** "made X" as "would make X". */
function wouldLine(line: string): string {
  return line.replace(/^\w+/, (verb) => `would ${verbs[verb] ?? verb}`)
}

if (import.meta.main) await main(tool)
