/** usage.db: what staff is to be told, and where it has been sent. */
import type { Step } from "../migrate.ts"

export const messageSteps: readonly Step[] = [
  {
    name: "messages to staff, and their deliveries",
    up: `
      -- about: the same thing is said once.
      CREATE TABLE messages(
        message_id INTEGER PRIMARY KEY, about TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, text TEXT NOT NULL,
        created_at_utc_ms INTEGER NOT NULL, dispatched_at_utc_ms INTEGER) STRICT;
      CREATE INDEX undispatched_messages ON messages(message_id) WHERE dispatched_at_utc_ms IS NULL;
      -- destination: its name in the file of webhooks, never its address. sending: a run that was killed meanwhile
      -- leaves it so, and it is not sent again.
      CREATE TABLE message_deliveries(
        message_id INTEGER NOT NULL, destination TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unknown', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0, tried_at_utc_ms INTEGER, failure TEXT,
        PRIMARY KEY (message_id, destination)) STRICT;
      CREATE INDEX waiting_deliveries ON message_deliveries(destination) WHERE state = 'waiting';`,
  },
]
