import type { Declaration } from "../declaration.ts"

export const initDbs = {
  name: "init_dbs",
  description: "Create or upgrade the data directory and both databases",
  arguments: {
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
