import type { Declaration } from "../declaration.ts"

export const usageCron = {
  name: "usage_cron",
  description: "Take a usage snapshot (run by cron); silent on success",
  arguments: {
    enforce: {
      type: "boolean",
      description: "Also end what is past its lease or budget, as [leases] enforce = true does",
    },
    "dry-run": { type: "boolean", description: "Print what --enforce or --repair would do, and do nothing" },
    repair: {
      type: "boolean",
      description: "Close legacy records that have no end time; prints the plan first",
    },
    "refresh-prices": { type: "boolean", description: "Read AWS's price list and store what has changed" },
    cloudtrail: { type: "boolean", description: "Ask CloudTrail for ends of runs that are uncertain" },
    json: { type: "boolean", description: "Print what was done as JSON" },
  },
  examples: [
    { run: "usage_cron --enforce --dry-run", does: "Show what enforcement would end now" },
    { run: "usage_cron --refresh-prices", does: "Read today's prices, as cron does every night" },
  ],
} as const satisfies Declaration
