/** usage.db: what the hosts of a course know of each other. */
import type { Step } from "../migrate.ts"

export const hostSteps: readonly Step[] = [
  {
    name: "hosts, and the config that they agree on",
    up: `
      -- Each host that ran usage_cron or init_dbs. clock_ahead_ms: of the database's clock.
      CREATE TABLE hosts(
        host TEXT PRIMARY KEY, version TEXT NOT NULL, seen_at_utc_ms INTEGER NOT NULL,
        clock_ahead_ms INTEGER NOT NULL, cron_at_utc_ms INTEGER) STRICT;
      -- One row: the keys of config.toml that money depends on, as JSON. A host with others admits nothing.
      CREATE TABLE agreed_config(
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), terms TEXT NOT NULL, accepted_by TEXT NOT NULL,
        accepted_at_utc_ms INTEGER NOT NULL) STRICT;
      -- When the database was found to lack what a host had committed: nothing is admitted until all at AWS has been counted.
      CREATE TABLE setbacks(
        setback_id INTEGER PRIMARY KEY, host TEXT NOT NULL, found_at_utc_ms INTEGER NOT NULL,
        settled_at_utc_ms INTEGER) STRICT;`,
  },
]
