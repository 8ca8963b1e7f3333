/** usage.db: the old tools' tables and views, as people query them by hand, and the steps since. */
import { auditSteps } from "./audit/audit_steps.ts"
import { leaseSteps } from "./enforcement/lease_steps.ts"
import { hostSteps } from "./installation/host_steps.ts"
import { markSteps } from "./installation/mark_steps.ts"
import { launchSteps } from "./launches/launch_steps.ts"
import { loginSteps } from "./launches/login_steps.ts"
import { messageSteps } from "./messages/message_steps.ts"
import type { Step } from "./migrate.ts"
import { julianDays } from "./postgres/functions.ts"
import { requestSteps } from "./requests/request_steps.ts"
import { rosterSteps } from "./roster/roster_steps.ts"
import { sweepSteps } from "./sweep/sweep_steps.ts"
import { ledgerSteps } from "./usage/ledger_steps.ts"

export const usageSteps: readonly Step[] = [
  {
    // IF NOT EXISTS: a database of the old tools has them already. Times are Julian days but in instance_stopped, where
    // they are ISO strings.
    name: "2010: instances, spot requests, views",
    up: `
      CREATE TABLE IF NOT EXISTS instances(
        instance_id TEXT PRIMARY KEY, instance_type TEXT, start_time REAL, end_time REAL NULL,
        last_seen TEXT, is_spot BOOLEAN, username TEXT);
      CREATE TABLE IF NOT EXISTS instance_stopped(
        instance_id TEXT, stopped_time TEXT, running_time TEXT NULL, PRIMARY KEY(instance_id, stopped_time));
      CREATE TABLE IF NOT EXISTS pending_spot_requests(
        request_id TEXT PRIMARY KEY, instance_type TEXT, request_time REAL, username TEXT);
      CREATE VIEW IF NOT EXISTS instance_stopped_time AS
        SELECT instance_id, sum(24 * (julianday(running_time) - julianday(stopped_time))) AS stopped_hours
        FROM instance_stopped WHERE running_time IS NOT NULL GROUP BY instance_id;
      CREATE VIEW IF NOT EXISTS finished_instance_times AS
        SELECT instance_id, instance_type,
          round(24 * (end_time - start_time) - coalesce(stopped_hours, 0) + 0.5) AS hours, is_spot, username
        FROM instances LEFT JOIN instance_stopped_time USING (instance_id) WHERE end_time IS NOT NULL;
      CREATE VIEW IF NOT EXISTS pending_instances AS SELECT * FROM instances WHERE end_time IS NULL;
      CREATE VIEW IF NOT EXISTS pending_instance_times AS
        SELECT instance_id, instance_type,
          round(24 * (julianday('now') - start_time) - coalesce(stopped_hours, 0) + 0.5) AS hours, is_spot, username
        FROM pending_instances LEFT JOIN instance_stopped_time USING (instance_id);
      -- All that the views ask for, so that a sum over everybody reads nothing else.
      CREATE INDEX IF NOT EXISTS instances_of_user
        ON instances(username, instance_type, is_spot, start_time, end_time, instance_id);`,
    postgres: `
      CREATE TABLE instances(
        instance_id TEXT PRIMARY KEY, instance_type TEXT, start_time REAL, end_time REAL,
        last_seen TEXT, is_spot INTEGER, username TEXT);
      CREATE TABLE instance_stopped(
        instance_id TEXT, stopped_time TEXT, running_time TEXT, PRIMARY KEY(instance_id, stopped_time));
      CREATE TABLE pending_spot_requests(
        request_id TEXT PRIMARY KEY, instance_type TEXT, request_time REAL, username TEXT);
      ${julianDays}
      CREATE VIEW instance_stopped_time AS
        SELECT instance_id, sum(24 * (julianday(running_time) - julianday(stopped_time))) AS stopped_hours
        FROM instance_stopped WHERE running_time IS NOT NULL GROUP BY instance_id;
      -- floor(x + 1): SQLite's round(x + 0.5), which rounds halves up.
      CREATE VIEW finished_instance_times AS
        SELECT instance_id, instance_type,
          floor(24 * (end_time - start_time) - coalesce(stopped_hours, 0) + 1) AS hours, is_spot, username
        FROM instances LEFT JOIN instance_stopped_time USING (instance_id) WHERE end_time IS NOT NULL;
      CREATE VIEW pending_instances AS SELECT * FROM instances WHERE end_time IS NULL;
      CREATE VIEW pending_instance_times AS
        SELECT instance_id, instance_type,
          floor(24 * (julianday('now') - start_time) - coalesce(stopped_hours, 0) + 1) AS hours, is_spot, username
        FROM pending_instances LEFT JOIN instance_stopped_time USING (instance_id);
      CREATE INDEX instances_of_user
        ON instances(username, instance_type, is_spot, start_time, end_time, instance_id);`,
  },
  ...ledgerSteps,
  ...leaseSteps,
  ...hostSteps,
  ...auditSteps,
  ...loginSteps,
  ...rosterSteps,
  ...requestSteps,
  ...messageSteps,
  ...launchSteps,
  ...markSteps,
  ...sweepSteps,
]
