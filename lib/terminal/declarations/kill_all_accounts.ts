import type { Declaration } from "../declaration.ts"

export const killAllAccounts = {
  name: "kill_all_accounts",
  description: "Remove all AWS accounts of the course at the end of a term",
  arguments: {
    "terminate-instances": {
      type: "boolean",
      description: "Also remove accounts that have instances, and terminate these",
    },
    "dry-run": { type: "boolean", description: "Show the accounts, and remove nothing" },
    json: { type: "boolean", description: "Print the result as one JSON object" },
  },
  details: `Removes the users, keys and key pairs of the accounts in users.db, and the IAM users under the course's path or with
its tag. Other users stay. Ledger, leases and suspensions stay.

The accounts are shown first. Nothing is removed until the course's name is typed on standard input.`,
  examples: [
    { run: "kill_all_accounts --dry-run", does: "Show the accounts that would be removed" },
    { run: "kill_all_accounts --terminate-instances", does: "End the term" },
  ],
} as const satisfies Declaration
