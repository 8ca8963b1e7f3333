/** usage.db: what students ask for, and what staff grants until when. */
import type { Step } from "../migrate.ts"

export const requestSteps: readonly Step[] = [
  {
    name: "requests for more, and grants with an end",
    up: `
      -- amount: millionths of a dollar, or a count for max_instances.
      CREATE TABLE limit_requests(
        request_id INTEGER PRIMARY KEY, login TEXT NOT NULL, limit_name TEXT NOT NULL, amount INTEGER NOT NULL,
        reason TEXT NOT NULL, created_at_utc_ms INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'granted', 'denied', 'withdrawn')),
        decided_by TEXT, decided_at_utc_ms INTEGER, answer TEXT) STRICT;
      CREATE UNIQUE INDEX one_open_request ON limit_requests(login) WHERE state = 'open';
      -- The limit is at least this amount until the end. One grant a request, however many grant it at once.
      CREATE TABLE grants(
        grant_id INTEGER PRIMARY KEY, request_id INTEGER UNIQUE, login TEXT NOT NULL, limit_name TEXT NOT NULL,
        amount INTEGER NOT NULL, granted_by TEXT NOT NULL, begins_at_utc_ms INTEGER NOT NULL,
        ends_at_utc_ms INTEGER NOT NULL) STRICT;
      CREATE INDEX grants_of_login ON grants(login, ends_at_utc_ms);`,
  },
]
