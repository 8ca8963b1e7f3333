import { resolve } from "node:path"
import { UsageError } from "../lib/base/errors.ts"
import { quoted } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import {
  backUp,
  defaultBackupDirectory,
  listBackups,
  restore,
} from "../lib/operations/installation/backups.ts"

export const tool = defineTool({
  name: "backup_dbs",
  description: "Copy both databases while they are in use, or put a copy back",
  arguments: {
    to: { type: "string", description: "Directory of the backups (default: backups in the data directory)" },
    keep: { type: "string", default: "30", description: "How many backups stay" },
    list: { type: "boolean", description: "List the backups, the newest first" },
    restore: { type: "string", description: "Put this backup back: its name in --list, or a directory" },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  details:
    "Run as the privileged account; cron does so every night. Copies hold everybody's keys and passwords:\ntreat them like the databases.",
  async run(args, context, output) {
    requireStaff(context.caller, context.config.course)
    if (args.list && args.restore !== undefined)
      throw new UsageError("options", "--list and --restore exclude each other")
    const directory = args.to ? resolve(args.to) : defaultBackupDirectory(context.config.paths)
    if (args.list) {
      const backups = listBackups(directory)
      if (args.json) output.json({ directory, backups })
      else for (const name of backups) output.line(`${directory}/${name}`)
    } else if (args.restore !== undefined) {
      const from = args.restore.includes("/") ? resolve(args.restore) : `${directory}/${args.restore}`
      const kept = restore(context, from, context.caller.login)
      if (args.json) output.json({ restored: from, kept })
      else output.line(`restored ${from}; what was there is kept as ${kept.join(" and ")}`)
    } else {
      const keep = Number(args.keep)
      if (!Number.isInteger(keep) || keep < 1)
        throw new UsageError("options", `--keep is ${quoted(args.keep)}, wanted a number from 1`)
      const backup = backUp(context, directory, keep)
      if (args.json) output.json({ backup })
      else output.line(backup)
    }
  },
})

if (import.meta.main) await main(tool)
