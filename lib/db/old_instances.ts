/**
 * The tables of the old tools, kept filled and true: people query them, and their views, by hand. Their times are Julian days,
 * also in instance_stopped, where the old tools put ISO strings that their own views could not subtract.
 */
import type { Database } from "bun:sqlite"
import type { Market } from "../base/instance.ts"
import { toJulianDay } from "../base/time.ts"

export interface OldInstance {
  instanceId: string
  instanceType: string
  market: Market
  /** "" for nobody's: the old tables want a name. */
  login: string
  startUtcMs: number
}

export type OldInstances = ReturnType<typeof oldInstances>

/** All inside the caller's transaction. */
export function oldInstances(db: Database) {
  return {
    /** At first sight, or with another type or owner; the first start stays. */
    put({ instanceId, instanceType, market, login, startUtcMs }: OldInstance, seenUtcMs: number): void {
      db.query(
        `INSERT INTO instances(instance_id, instance_type, start_time, end_time, last_seen, is_spot, username)
         VALUES (?, ?, ?, NULL, ?, ?, ?)
         ON CONFLICT(instance_id) DO UPDATE SET instance_type = excluded.instance_type,
           start_time = min(start_time, excluded.start_time), last_seen = excluded.last_seen, is_spot = excluded.is_spot,
           username = excluded.username`,
      ).run(
        ...[instanceId, instanceType, toJulianDay(startUtcMs), toJulianDay(seenUtcMs)],
        ...[market === "spot" ? 1 : 0, login],
      )
    },

    /** A stop; a second report of the same one changes nothing. */
    stopped(instanceId: string, utcMs: number): void {
      const isStopped = db
        .query("SELECT 1 FROM instance_stopped WHERE instance_id = ? AND running_time IS NULL")
        .get(instanceId)
      if (isStopped) return
      db.query(
        "INSERT OR IGNORE INTO instance_stopped(instance_id, stopped_time, running_time) VALUES (?, ?, NULL)",
      ).run(instanceId, toJulianDay(utcMs))
    },

    /**
     * A start, or the end of what was stopped: from here on it is not stopped any more. Of the rows that the old cron added
     * each time that it saw one stop, only the first counts.
     */
    startedAgain(instanceId: string, utcMs: number): void {
      const open = db
        .query<{ rowid: number }, [string]>(
          `SELECT rowid FROM instance_stopped WHERE instance_id = ? AND running_time IS NULL
           ORDER BY julianday(stopped_time)`,
        )
        .all(instanceId)
      open.forEach(({ rowid }, index) => {
        if (index > 0)
          db.run("UPDATE instance_stopped SET running_time = stopped_time WHERE rowid = ?", [rowid])
        else
          db.run(
            "UPDATE instance_stopped SET stopped_time = julianday(stopped_time), running_time = ? WHERE rowid = ?",
            [toJulianDay(utcMs), rowid],
          )
      })
    },

    /** Null: it runs after all. */
    ended(instanceId: string, utcMs: number | null): void {
      db.query("UPDATE instances SET end_time = ? WHERE instance_id = ?").run(
        utcMs === null ? null : toJulianDay(utcMs),
        instanceId,
      )
    },
  }
}
