import { type Declaration, grouped } from "../declaration.ts"

export const audit = {
  name: "audit",
  description: "Verify that no row of the audit log was changed or removed",
  arguments: {
    command: {
      type: "positional",
      required: true,
      valueHint: "verify|prune",
      description: "verify the audit log, or prune its old rows",
    },
    ...grouped("verify", {
      cloudtrail: {
        type: "boolean",
        description: "Also list what was done in the account, by CloudTrail, and no row explains",
      },
      since: {
        type: "string",
        valueHint: "DATE",
        description: "With --cloudtrail: from this day on (2026-09-01; at most 90 days ago)",
      },
      students: {
        type: "boolean",
        description: "With --cloudtrail: also list what students did with their own credentials",
      },
    }),
    ...grouped("prune", {
      before: { type: "string", valueHint: "DATE", description: "Remove the rows from before this day" },
      to: {
        type: "string",
        valueHint: "FILE",
        completes: "file",
        description: "Write the removed rows to this new file, a line of JSON each",
      },
    }),
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  details: `Run it as the course's account. Each row's hash covers the row before it. verify names the first row that does not fit. What
was cut off at the end it finds by the heads that usage_cron stores in the bucket of [audit]. It ends with 1 where something does not
fit, or where CloudTrail has acts that no row explains.`,
  examples: [
    { run: "audit verify", does: "Check every row, the end and this host's file" },
    { run: "audit verify --cloudtrail --since 2026-11-01", does: "See what was done without the tools" },
  ],
} as const satisfies Declaration
