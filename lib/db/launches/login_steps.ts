/** usage.db: what it takes to log in to instances. */
import type { Step } from "../migrate.ts"

export const loginSteps: readonly Step[] = [
  {
    name: "security groups of students",
    up: `
      -- One for a login and VPC. token: ours, written before AWS is asked; group_id: AWS's; open_to: the networks of its rules.
      CREATE TABLE ssh_groups(
        login TEXT NOT NULL, region TEXT NOT NULL, vpc_id TEXT NOT NULL, token TEXT NOT NULL, group_id TEXT, open_to TEXT,
        begun_at_utc_ms INTEGER NOT NULL, PRIMARY KEY(login, region, vpc_id)) STRICT;`,
  },
]
