/** usage.db: what is reserved, what was promised an end, and who may not launch. */
import type { Step } from "../migrate.ts"

export const leaseSteps: readonly Step[] = [
  {
    name: "reservations, leases, client tokens",
    up: `
      CREATE TABLE reservations(
        reservation_id TEXT PRIMARY KEY,
        login TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('launch', 'start')),
        state TEXT NOT NULL CHECK (state IN ('pending', 'settled', 'released')),
        region TEXT NOT NULL,
        instance_type TEXT NOT NULL,
        market TEXT NOT NULL,
        key_name TEXT NOT NULL,
        instance_count INTEGER NOT NULL,
        micro_usd_per_hour INTEGER NOT NULL,
        storage_micro_usd_per_hour INTEGER NOT NULL,
        address_micro_usd_per_hour INTEGER NOT NULL,
        worst_micro_usd INTEGER NOT NULL,
        lease_ends_at_utc_ms INTEGER NOT NULL,
        instance_id TEXT,
        process TEXT NOT NULL,
        created_at_utc_ms INTEGER NOT NULL,
        settled_at_utc_ms INTEGER,
        outcome TEXT) STRICT;
      CREATE INDEX pending_reservations ON reservations(login) WHERE state = 'pending';
      CREATE TABLE leases(
        instance_id TEXT PRIMARY KEY,
        login TEXT NOT NULL,
        reservation_id TEXT NOT NULL,
        region TEXT NOT NULL,
        instance_type TEXT NOT NULL,
        market TEXT NOT NULL,
        key_name TEXT NOT NULL,
        micro_usd_per_hour INTEGER NOT NULL,
        storage_micro_usd_per_hour INTEGER NOT NULL,
        address_micro_usd_per_hour INTEGER NOT NULL,
        launched_at_utc_ms INTEGER NOT NULL,
        run_started_at_utc_ms INTEGER NOT NULL,
        ends_at_utc_ms INTEGER NOT NULL,
        stopped_at_utc_ms INTEGER,
        ended_at_utc_ms INTEGER,
        announced_end_utc_ms INTEGER,
        switch_at_utc_ms INTEGER) STRICT;
      CREATE INDEX open_leases ON leases(login) WHERE ended_at_utc_ms IS NULL;
      CREATE INDEX leases_of_reservation ON leases(reservation_id);
      CREATE TABLE client_tokens(
        login TEXT NOT NULL,
        client_token TEXT NOT NULL,
        reservation_id TEXT NOT NULL REFERENCES reservations(reservation_id),
        request_digest TEXT NOT NULL,
        PRIMARY KEY (login, client_token)) STRICT;`,
  },
  {
    name: "freezes, suspensions, notices, lookups",
    up: `
      CREATE TABLE freezes(
        freeze_id INTEGER PRIMARY KEY,
        frozen_by TEXT NOT NULL, reason TEXT NOT NULL, frozen_at_utc_ms INTEGER NOT NULL,
        lifted_by TEXT, lifted_at_utc_ms INTEGER) STRICT;
      CREATE TABLE suspensions(
        suspension_id INTEGER PRIMARY KEY,
        login TEXT NOT NULL,
        suspended_by TEXT NOT NULL, reason TEXT NOT NULL, suspended_at_utc_ms INTEGER NOT NULL,
        deactivated_keys TEXT NOT NULL DEFAULT '[]',
        lifted_by TEXT, lifted_at_utc_ms INTEGER) STRICT;
      CREATE INDEX suspensions_of_login ON suspensions(login);
      CREATE TABLE notices(
        notice_id INTEGER PRIMARY KEY,
        login TEXT NOT NULL,
        about TEXT NOT NULL,
        text TEXT NOT NULL,
        created_at_utc_ms INTEGER NOT NULL,
        expires_at_utc_ms INTEGER NOT NULL,
        shown_at_utc_ms INTEGER,
        UNIQUE (login, about)) STRICT;
      CREATE TABLE lookups(
        kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, looked_up_at_utc_ms INTEGER NOT NULL,
        PRIMARY KEY (kind, key)) STRICT;`,
  },
  {
    name: "reservations: when AWS was asked",
    up: "ALTER TABLE reservations ADD COLUMN sent_at_utc_ms INTEGER",
  },
  {
    name: "leases: what ran before the last start; what is sold by the hour",
    up: `
      ALTER TABLE leases ADD COLUMN ran_before_ms INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE leases ADD COLUMN usage_operation TEXT NOT NULL DEFAULT '';
      ALTER TABLE reservations ADD COLUMN usage_operation TEXT NOT NULL DEFAULT '';`,
  },
  {
    name: "reservations: the image that was asked for",
    up: "ALTER TABLE reservations ADD COLUMN image TEXT NOT NULL DEFAULT ''",
  },
]
