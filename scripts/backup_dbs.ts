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
import { backupDbs } from "../lib/terminal/declarations/backup_dbs.ts"

export const tool = defineTool({
  ...backupDbs,
  async run(args, context, output) {
    requireStaff(context.caller, context.config.course)
    if (args.list && args.restore !== undefined)
      throw new UsageError("options", "--list and --restore exclude each other")
    if (context.config.database)
      return output.note(
        `backup_dbs: the ledger is in ${context.config.database.name}: the server's administrator backs it up (docs/postgresql.md)`,
      )
    const directory = args.to ? resolve(args.to) : defaultBackupDirectory(context.config.paths)
    if (args.list) {
      const backups = listBackups(directory)
      if (args.json) output.json({ directory, backups })
      else for (const name of backups) output.line(`${directory}/${name}`)
    } else if (args.restore !== undefined) {
      const from = args.restore.includes("/") ? resolve(args.restore) : `${directory}/${args.restore}`
      const { kept, missing } = restore(context, from, context.caller.login)
      if (args.json) return output.json({ restored: from, kept, missing })
      output.line(`restored ${from}; what was there is kept as ${kept.join(" and ")}`)
      if (missing.length > 0)
        output.line(
          `the backup is of an older version: run init_dbs, which copies it and adds ${missing.join(", ")}`,
        )
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
