import type { Declaration } from "../declaration.ts"

export const backupDbs = {
  name: "backup_dbs",
  description: "Back up both databases while they are in use, or restore",
  arguments: {
    to: {
      type: "string",
      valueHint: "DIR",
      completes: "directory",
      description: "Directory of the backups (backups in the data directory)",
    },
    keep: { type: "string", valueHint: "N", default: "30", description: "How many backups stay (30)" },
    list: { type: "boolean", description: "List the backups, the newest first" },
    restore: {
      type: "string",
      valueHint: "BACKUP",
      completes: "directory",
      description: "Restore this backup: a name that --list prints, or a directory",
    },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  details: `Run it as the course's account; cron does so every night. A backup holds everybody's keys and passwords: protect it as
you protect the databases.`,
  examples: [
    { run: "backup_dbs --list", does: "Show the backups" },
    { run: "backup_dbs --restore 20261122T034700Z", does: "Put one back" },
  ],
} as const satisfies Declaration
