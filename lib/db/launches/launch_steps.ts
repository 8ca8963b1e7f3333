/** usage.db: what a launch asked AWS for. */
import type { Step } from "../migrate.ts"

export const launchSteps: readonly Step[] = [
  {
    name: "launch attempts",
    up: `
      -- Each request of a launch, before it is sent. A launch that finds no room asks for another zone or type.
      CREATE TABLE launch_attempts(
        reservation_id TEXT NOT NULL REFERENCES reservations(reservation_id),
        attempt INTEGER NOT NULL,
        client_token TEXT NOT NULL,
        instance_type TEXT NOT NULL,
        zone TEXT,
        market TEXT NOT NULL,
        micro_usd_per_hour INTEGER NOT NULL,
        sent_at_utc_ms INTEGER NOT NULL,
        refusal TEXT,
        PRIMARY KEY (reservation_id, attempt)) STRICT;`,
  },
]
