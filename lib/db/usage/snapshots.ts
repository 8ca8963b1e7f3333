/** Looks at the account: when each region's last complete listing was taken, and the one that is being taken. */

import type { Instance } from "../../base/instance.ts"
import { msPerDay, type UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface Snapshot {
  region: string
  startedUtcMs: UtcMs
  finishedUtcMs: UtcMs
  instances: number
}

const keptMs = 30 * msPerDay

export type Snapshots = ReturnType<typeof snapshots>

export function snapshots(db: Db) {
  return {
    /** The last complete one of a region that began before `utcMs`. */
    lastBefore(region: string, utcMs: UtcMs): Snapshot | null {
      return db
        .query<Snapshot, [string, number]>(
          `${select} WHERE region = ? AND started_utc_ms < ? AND error IS NULL ORDER BY started_utc_ms DESC LIMIT 1`,
        )
        .get(region, utcMs)
    },

    /** The last complete one of a region in the order in which they were taken, whatever the clock said. */
    latest(region: string): Snapshot | null {
      return db
        .query<Snapshot, [string]>(
          `${select} WHERE region = ? AND error IS NULL ORDER BY snapshot_id DESC LIMIT 1`,
        )
        .get(region)
    },

    /** The last complete one of any region. */
    last(): Snapshot | null {
      return db.query<Snapshot, []>(`${select} WHERE error IS NULL ORDER BY snapshot_id DESC LIMIT 1`).get()
    },

    /** Inside the caller's transaction. Forgets those of long ago, but never the latest. */
    complete(snapshot: Snapshot): void {
      const { region, startedUtcMs, finishedUtcMs, instances } = snapshot
      db.query("DELETE FROM snapshots WHERE started_utc_ms < ? AND region = ?").run(
        startedUtcMs - keptMs,
        region,
      )
      db.query(
        "INSERT INTO snapshots(region, started_utc_ms, finished_utc_ms, instances) VALUES (?, ?, ?, ?)",
      ).run(region, startedUtcMs, finishedUtcMs, instances)
    },

    /** Inside the caller's transaction. */
    failed(region: string, startedUtcMs: UtcMs, finishedUtcMs: UtcMs, error: string): void {
      db.query("DELETE FROM snapshots WHERE started_utc_ms < ? AND region = ? AND error IS NOT NULL").run(
        startedUtcMs - keptMs,
        region,
      )
      db.query(
        "INSERT INTO snapshots(region, started_utc_ms, finished_utc_ms, error) VALUES (?, ?, ?, ?)",
      ).run(region, startedUtcMs, finishedUtcMs, error)
    },

    /** The latest failure of a region, if nothing complete of it came after that. */
    lastFailure(region: string): { finishedUtcMs: UtcMs; error: string } | null {
      const last = db
        .query<{ finishedUtcMs: UtcMs; error: string | null }, [string]>(
          `SELECT finished_utc_ms AS "finishedUtcMs", error FROM snapshots WHERE region = ?
           ORDER BY snapshot_id DESC LIMIT 1`,
        )
        .get(region)
      return last && last.error !== null ? { finishedUtcMs: last.finishedUtcMs, error: last.error } : null
    },

    /** Where a listing is gathered until it is complete: outside the database proper, so that nothing waits for AWS with it. */
    gather: () => gathering(db),
  }
}

const select = `SELECT region, started_utc_ms AS "startedUtcMs", finished_utc_ms AS "finishedUtcMs", instances FROM snapshots`

export type Gathering = ReturnType<typeof gathering>

/** Two tables of this connection alone, in SQLite's temporary files: memory stays flat in the number of pages. */
function gathering(db: Db) {
  db.exec(`
    CREATE TEMP TABLE IF NOT EXISTS listed_instances(instance_id TEXT PRIMARY KEY, region TEXT NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS changed_instances(region TEXT NOT NULL, instance TEXT NOT NULL);
    DELETE FROM listed_instances;
    DELETE FROM changed_instances`)
  const unchanged = db.query<{ found: 1 }, [string, string, string, number, number]>(
    `SELECT 1 AS found FROM tracked_instances JOIN offers USING (offer_id)
     WHERE instance_id = ? AND state = ? AND instance_type = ? AND launched_at_utc_ms = ? AND public_ipv4 = ?`,
  )
  const addSeen = db.query(
    "INSERT INTO listed_instances(instance_id, region) VALUES (?, ?) ON CONFLICT DO NOTHING",
  )
  const addChanged = db.query("INSERT INTO changed_instances(region, instance) VALUES (?, ?)")
  return {
    /** A page of a region. `publicIpv4`: whether an instance has an address of its own. */
    add(region: string, page: readonly Instance[], publicIpv4: (instance: Instance) => boolean): void {
      db.withoutLock(() => {
        for (const instance of page) {
          const { id, state, type, launchedAtUtcMs } = instance
          addSeen.run(id, region)
          const isKnown = unchanged.get(id, state, type, launchedAtUtcMs, publicIpv4(instance) ? 1 : 0)
          if (!isKnown)
            addChanged.run(region, JSON.stringify({ ...instance, publicIpv4: publicIpv4(instance) }))
        }
      })
    },

    /** How many instances a region has. */
    count(region: string): number {
      return (
        db
          .query<{ n: number }, [string]>("SELECT count(*) AS n FROM listed_instances WHERE region = ?")
          .get(region)?.n ?? 0
      )
    },

    /** Those that are not as the ledger has them. */
    *changed(region: string): Generator<Instance & { publicIpv4: boolean }> {
      const rows = db.query<{ instance: string }, [string]>(
        "SELECT instance FROM changed_instances WHERE region = ?",
      )
      for (const { instance } of rows.iterate(region)) yield JSON.parse(instance)
    },

    /** The ids of a region that the ledger has and the listing has not. */
    missing(region: string): string[] {
      return db
        .query<{ id: string }, [string]>(
          `SELECT instance_id AS id FROM tracked_instances JOIN offers USING (offer_id)
           WHERE state <> 'terminated' AND region = ? AND instance_id NOT IN (SELECT instance_id FROM listed_instances)`,
        )
        .all(region)
        .map(({ id }) => id)
    },

    /** Notes on all that were seen that they were there, in the ledger and in the old table. Inside the caller's transaction. */
    noteSeen(region: string, seenUtcMs: UtcMs, seenJulianDay: number): void {
      const those = "instance_id IN (SELECT instance_id FROM listed_instances WHERE region = ?)"
      db.query(`UPDATE tracked_instances SET seen_utc_ms = ? WHERE ${those}`).run(seenUtcMs, region)
      db.query(`UPDATE instances SET last_seen = ? WHERE ${those}`).run(seenJulianDay, region)
    },
  }
}
