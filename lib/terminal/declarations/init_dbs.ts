import type { Declaration } from "../declaration.ts"

export const initDbs = {
  name: "init_dbs",
  description: "Create or upgrade the data directory and both databases",
  arguments: {
    "copy-from": {
      type: "string",
      valueHint: "DIR",
      completes: "directory",
      description: "Move the ledger of SQLite's files in DIR to the server of [database]",
    },
    "copy-to": {
      type: "string",
      valueHint: "DIR",
      completes: "directory",
      description: "Move the ledger of the server of [database] to SQLite's files in DIR",
    },
    "dry-run": { type: "boolean", description: "Print what would be done, and do nothing" },
    json: { type: "boolean", description: "Print what was done as JSON" },
  },
  details:
    "Run it as the course's account. It also removes other people's rights. A second run changes nothing.",
  examples: [
    { run: "init_dbs", does: "Create the databases, or bring those of 2010 up to date" },
    { run: "init_dbs --dry-run", does: "Show what would change" },
  ],
} as const satisfies Declaration
