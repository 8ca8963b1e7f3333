/** The ledger's part of usage.db: what ran when, what it was sold at, and what keeps the sums quick. */
import type { Step } from "../migrate.ts"
import { oldSumTriggers } from "../postgres/functions.ts"

export const ledgerSteps: readonly Step[] = [
  {
    name: "ledger: offers, instances, intervals",
    up: `
      -- What EC2 sells, so that an interval names it with one number.
      CREATE TABLE offers(
        offer_id INTEGER PRIMARY KEY, instance_type TEXT NOT NULL, market TEXT NOT NULL, region TEXT NOT NULL,
        zone TEXT NOT NULL, usage_operation TEXT NOT NULL,
        UNIQUE(instance_type, market, region, zone, usage_operation));
      -- What is known of an instance beside its row in the old table. login '' is nobody's.
      CREATE TABLE tracked_instances(
        instance_id TEXT PRIMARY KEY, login TEXT NOT NULL, offer_id INTEGER NOT NULL REFERENCES offers,
        state TEXT NOT NULL, key_name TEXT NOT NULL, reservation_id TEXT NOT NULL, public_ipv4 INTEGER NOT NULL,
        launched_at_utc_ms INTEGER NOT NULL, seen_utc_ms INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX tracked_instances_of_login ON tracked_instances(login);
      CREATE INDEX tracked_instances_not_ended ON tracked_instances(login) WHERE state <> 'terminated';
      -- Each instant between two bounds; the end is NULL while it runs.
      CREATE TABLE intervals(
        interval_id INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, login TEXT NOT NULL,
        offer_id INTEGER NOT NULL REFERENCES offers, public_ipv4 INTEGER,
        start_earliest_utc_ms INTEGER NOT NULL, start_latest_utc_ms INTEGER NOT NULL, start_evidence TEXT NOT NULL,
        end_earliest_utc_ms INTEGER, end_latest_utc_ms INTEGER, end_evidence TEXT, ended_by_ec2 INTEGER);
      CREATE INDEX intervals_of_instance ON intervals(instance_id);
      CREATE INDEX intervals_of_login ON intervals(login, start_earliest_utc_ms);
      CREATE INDEX intervals_by_end ON intervals(end_latest_utc_ms);
      CREATE INDEX intervals_open ON intervals(login) WHERE end_latest_utc_ms IS NULL;`,
  },
  {
    name: "ledger: prices",
    up: `
      CREATE TABLE prices(
        region TEXT NOT NULL, instance_type TEXT NOT NULL, usage_operation TEXT NOT NULL, from_utc_ms INTEGER NOT NULL,
        micro_usd_per_hour INTEGER NOT NULL,
        PRIMARY KEY(region, instance_type, usage_operation, from_utc_ms)) WITHOUT ROWID;
      CREATE TABLE spot_prices(
        zone TEXT NOT NULL, instance_type TEXT NOT NULL, usage_operation TEXT NOT NULL, from_utc_ms INTEGER NOT NULL,
        micro_usd_per_hour INTEGER NOT NULL,
        PRIMARY KEY(zone, instance_type, usage_operation, from_utc_ms)) WITHOUT ROWID;
      -- One row: counts the changes of list prices, so that sums made under older ones are known to be stale.
      CREATE TABLE price_changes(only INTEGER PRIMARY KEY CHECK (only = 1), count INTEGER NOT NULL);
      INSERT INTO price_changes VALUES (1, 0);`,
    postgres: `
      CREATE TABLE prices(
        region TEXT NOT NULL, instance_type TEXT NOT NULL, usage_operation TEXT NOT NULL, from_utc_ms INTEGER NOT NULL,
        micro_usd_per_hour INTEGER NOT NULL,
        PRIMARY KEY(region, instance_type, usage_operation, from_utc_ms)) WITHOUT ROWID;
      CREATE TABLE spot_prices(
        zone TEXT NOT NULL, instance_type TEXT NOT NULL, usage_operation TEXT NOT NULL, from_utc_ms INTEGER NOT NULL,
        micro_usd_per_hour INTEGER NOT NULL,
        PRIMARY KEY(zone, instance_type, usage_operation, from_utc_ms)) WITHOUT ROWID;
      -- One row: counts the changes of list prices, so that sums made under older ones are known to be stale.
      CREATE TABLE price_changes("only" BIGINT PRIMARY KEY CHECK ("only" = 1), count INTEGER NOT NULL);
      INSERT INTO price_changes VALUES (1, 0);`,
  },
  {
    name: "ledger: volumes and addresses",
    up: `
      -- What is paid by the hour whatever it does. A volume that grows ends, and starts anew at its new size.
      CREATE TABLE rentals(
        rental_id TEXT NOT NULL, kind TEXT NOT NULL, login TEXT NOT NULL, region TEXT NOT NULL, description TEXT NOT NULL,
        micro_usd_per_hour INTEGER, start_earliest_utc_ms INTEGER NOT NULL, start_latest_utc_ms INTEGER NOT NULL,
        end_earliest_utc_ms INTEGER, end_latest_utc_ms INTEGER, seen_utc_ms INTEGER NOT NULL,
        goes_with_instance TEXT NOT NULL, PRIMARY KEY(rental_id, start_earliest_utc_ms)) WITHOUT ROWID;
      CREATE INDEX rentals_of_login ON rentals(login, start_earliest_utc_ms);
      CREATE INDEX rentals_open ON rentals(login) WHERE end_latest_utc_ms IS NULL;`,
  },
  {
    name: "ledger: sums of closed intervals",
    up: `
      -- What each login's closed intervals, volumes and addresses cost, by UTC day. A cache: computed again for a login that has
      -- no row in usage_sums under the tariff in force.
      CREATE TABLE usage_days(
        login TEXT NOT NULL, day INTEGER NOT NULL, lowest_micro_usd INTEGER NOT NULL, highest_micro_usd INTEGER NOT NULL,
        instance_ms INTEGER NOT NULL, PRIMARY KEY(login, day)) WITHOUT ROWID;
      CREATE TABLE usage_sums(
        login TEXT PRIMARY KEY, tariff TEXT NOT NULL, unpriced INTEGER NOT NULL) WITHOUT ROWID;`,
  },
  {
    name: "ledger: snapshots and evidence",
    up: `
      -- Each look at a region: complete, or why not.
      CREATE TABLE snapshots(
        snapshot_id INTEGER PRIMARY KEY, region TEXT NOT NULL, started_utc_ms INTEGER NOT NULL,
        finished_utc_ms INTEGER NOT NULL, instances INTEGER, error TEXT);
      CREATE INDEX snapshots_of_region ON snapshots(region, started_utc_ms);
      -- What was found out about an instance, and when, in words.
      CREATE TABLE evidence(
        evidence_id INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, found_utc_ms INTEGER NOT NULL, kind TEXT NOT NULL,
        at_utc_ms INTEGER, text TEXT NOT NULL);
      CREATE INDEX evidence_of_instance ON evidence(instance_id);
      CREATE INDEX intervals_uncertain ON intervals(end_latest_utc_ms)
        WHERE start_earliest_utc_ms < start_latest_utc_ms OR end_earliest_utc_ms < end_latest_utc_ms;`,
  },
  {
    name: "ledger: sums of what only the old tools recorded",
    up: `
      -- The same two for closed rows of the old tables that no tracked instance stands for. A login without a row here has none.
      CREATE TABLE old_usage_days(
        login TEXT NOT NULL, day INTEGER NOT NULL, lowest_micro_usd INTEGER NOT NULL, highest_micro_usd INTEGER NOT NULL,
        instance_ms INTEGER NOT NULL, PRIMARY KEY(login, day)) WITHOUT ROWID;
      CREATE TABLE old_usage_sums(
        login TEXT PRIMARY KEY, tariff TEXT NOT NULL, unpriced INTEGER NOT NULL) WITHOUT ROWID;
      INSERT INTO old_usage_sums SELECT DISTINCT coalesce(username, ''), '', 0 FROM instances
        WHERE instance_id NOT IN (SELECT instance_id FROM tracked_instances);
      -- Whoever changes the old tables, be it by hand: the sums are then computed again.
      CREATE TRIGGER old_instance_added AFTER INSERT ON instances
        WHEN NOT EXISTS (SELECT 1 FROM tracked_instances WHERE instance_id = new.instance_id)
        BEGIN INSERT OR REPLACE INTO old_usage_sums VALUES (coalesce(new.username, ''), '', 0); END;
      CREATE TRIGGER old_instance_changed
        AFTER UPDATE OF instance_id, instance_type, start_time, end_time, is_spot, username ON instances
        WHEN NOT EXISTS (SELECT 1 FROM tracked_instances WHERE instance_id = new.instance_id)
        BEGIN
          INSERT OR REPLACE INTO old_usage_sums VALUES (coalesce(old.username, ''), '', 0);
          INSERT OR REPLACE INTO old_usage_sums VALUES (coalesce(new.username, ''), '', 0);
        END;
      CREATE TRIGGER old_instance_removed AFTER DELETE ON instances
        WHEN NOT EXISTS (SELECT 1 FROM tracked_instances WHERE instance_id = old.instance_id)
        BEGIN INSERT OR REPLACE INTO old_usage_sums VALUES (coalesce(old.username, ''), '', 0); END;
      CREATE TRIGGER old_instance_tracked AFTER INSERT ON tracked_instances
        BEGIN
          INSERT OR REPLACE INTO old_usage_sums
            SELECT coalesce(username, ''), '', 0 FROM instances WHERE instance_id = new.instance_id;
        END;
      CREATE TRIGGER old_instance_untracked AFTER DELETE ON tracked_instances
        BEGIN
          INSERT OR REPLACE INTO old_usage_sums
            SELECT coalesce(username, ''), '', 0 FROM instances WHERE instance_id = old.instance_id;
        END;
      CREATE TRIGGER old_stop_added AFTER INSERT ON instance_stopped
        WHEN NOT EXISTS (SELECT 1 FROM tracked_instances WHERE instance_id = new.instance_id)
        BEGIN
          INSERT OR REPLACE INTO old_usage_sums
            SELECT coalesce(username, ''), '', 0 FROM instances WHERE instance_id = new.instance_id;
        END;
      CREATE TRIGGER old_stop_changed AFTER UPDATE ON instance_stopped
        BEGIN
          INSERT OR REPLACE INTO old_usage_sums SELECT coalesce(username, ''), '', 0 FROM instances
            WHERE instance_id IN (old.instance_id, new.instance_id)
              AND instance_id NOT IN (SELECT instance_id FROM tracked_instances);
        END;
      CREATE TRIGGER old_stop_removed AFTER DELETE ON instance_stopped
        WHEN NOT EXISTS (SELECT 1 FROM tracked_instances WHERE instance_id = old.instance_id)
        BEGIN
          INSERT OR REPLACE INTO old_usage_sums
            SELECT coalesce(username, ''), '', 0 FROM instances WHERE instance_id = old.instance_id;
        END;
      -- Which runs ended after an instant and began before another, without reading any other.
      DROP INDEX intervals_by_end;
      CREATE INDEX intervals_by_end ON intervals(end_latest_utc_ms, start_earliest_utc_ms);
      CREATE INDEX old_instances_by_end ON instances(end_time, start_time);`,
    postgres: `
      CREATE TABLE old_usage_days(
        login TEXT NOT NULL, day INTEGER NOT NULL, lowest_micro_usd INTEGER NOT NULL, highest_micro_usd INTEGER NOT NULL,
        instance_ms INTEGER NOT NULL, PRIMARY KEY(login, day)) WITHOUT ROWID;
      CREATE TABLE old_usage_sums(
        login TEXT PRIMARY KEY, tariff TEXT NOT NULL, unpriced INTEGER NOT NULL) WITHOUT ROWID;
      INSERT INTO old_usage_sums SELECT DISTINCT coalesce(username, ''), '', 0 FROM instances
        WHERE instance_id NOT IN (SELECT instance_id FROM tracked_instances);
      ${oldSumTriggers}
      -- Which runs ended after an instant and began before another, without reading any other.
      DROP INDEX intervals_by_end;
      CREATE INDEX intervals_by_end ON intervals(end_latest_utc_ms, start_earliest_utc_ms);
      CREATE INDEX old_instances_by_end ON instances(end_time, start_time);`,
  },
  {
    name: "ledger: a user's lines of what only the old tools recorded",
    up: `
      -- What usage_report says of a user's closed old rows, summed up by what they were sold as; made with old_usage_days.
      CREATE TABLE old_usage_lines(
        login TEXT NOT NULL, instance_type TEXT NOT NULL, market TEXT NOT NULL, micro_usd_per_hour INTEGER,
        hours REAL NOT NULL, lowest_micro_usd INTEGER, highest_micro_usd INTEGER);
      CREATE INDEX old_usage_lines_of_login ON old_usage_lines(login);
      UPDATE old_usage_sums SET tariff = '';`,
  },
  {
    name: "ledger: list prices of storage",
    up: `
      -- As the Price List API gave them, from when they were first seen to hold: 'gp3 GB-Mo', 'snapshot GB-Mo'.
      CREATE TABLE storage_prices(
        region TEXT NOT NULL, what TEXT NOT NULL, from_utc_ms INTEGER NOT NULL, micro_usd_per_month REAL NOT NULL,
        PRIMARY KEY(region, what, from_utc_ms)) WITHOUT ROWID;
      -- Where a rental's price is from; NULL: by what travels with the tools.
      ALTER TABLE rentals ADD COLUMN price_source TEXT;`,
  },
  {
    name: "ledger: until when spot prices are read",
    up: `
      -- Of all that ran on spot until then the price history was read; NULL: nobody knows.
      ALTER TABLE price_changes ADD COLUMN spot_read_until_utc_ms INTEGER;`,
  },
  {
    name: "ledger: network interfaces of instances",
    up: `
      -- AWS bills a public address by the interface; which instance that was is known only while it exists.
      CREATE TABLE network_interfaces(
        interface_id TEXT NOT NULL PRIMARY KEY, instance_id TEXT NOT NULL, login TEXT NOT NULL);`,
  },
]
