/**
 * The tables of the old tools, kept filled and true: people query them, and their views, by hand. Their times are Julian days,
 * also in instance_stopped, where the old tools put ISO strings that their own views could not subtract.
 */

import type { Market } from "../../base/instance.ts"
import { fromJulianDay, toJulianDay, type UtcMs } from "../../base/time.ts"
import { isExact, type Run } from "../../decisions/usage/runs.ts"
import { type Db, least } from "../db.ts"

export interface OldInstance {
  instanceId: string
  instanceType: string
  market: Market
  /** "" for nobody's: the old tables want a name. */
  login: string
  startUtcMs: UtcMs
}

/** All that writes belongs inside the caller's transaction. */
export function oldInstances(db: Db) {
  const timeOf = (instanceId: string, column: "start_time" | "end_time"): UtcMs | null => {
    const row = db
      .query<{ at: number | null }, [string]>(
        `SELECT julianday(${column}) AS at FROM instances WHERE instance_id = ?`,
      )
      .get(instanceId)
    return row?.at ? fromJulianDay(row.at) : null
  }
  return {
    /** At first sight, or with another type or owner; the first start stays. */
    put({ instanceId, instanceType, market, login, startUtcMs }: OldInstance, seenUtcMs: UtcMs): void {
      db.query(
        `INSERT INTO instances(instance_id, instance_type, start_time, end_time, last_seen, is_spot, username)
         VALUES (?, ?, ?, NULL, ?, ?, ?)
         ON CONFLICT(instance_id) DO UPDATE SET instance_type = excluded.instance_type,
           start_time = ${least("coalesce(instances.start_time, excluded.start_time)", "excluded.start_time")},
           last_seen = excluded.last_seen, is_spot = excluded.is_spot,
           username = excluded.username`,
      ).run(
        instanceId,
        instanceType,
        toJulianDay(startUtcMs),
        toJulianDay(seenUtcMs),
        market === "spot" ? 1 : 0,
        login,
      )
    },

    /** When an instance started, by the old table; null where it is not in it. */
    startOf: (instanceId: string) => timeOf(instanceId, "start_time"),
    /** When it ended; null where it has not. */
    endOf: (instanceId: string) => timeOf(instanceId, "end_time"),

    /** Null: it runs after all. */
    setEnd(instanceId: string, utcMs: UtcMs | null): void {
      db.query("UPDATE instances SET end_time = ? WHERE instance_id = ?").run(
        utcMs === null ? null : toJulianDay(utcMs),
        instanceId,
      )
    },

    /** Makes the stops the gaps between an instance's runs, the last one open unless it has ended. */
    setStops(instanceId: string, runs: readonly Run[], endedUtcMs: UtcMs | null): void {
      const known = runs.filter(
        ({ start, end }) => isExact(start) || end === null || !isSameStretch(start, end),
      )
      db.query("DELETE FROM instance_stopped WHERE instance_id = ?").run(instanceId)
      known.forEach(({ end }, index) => {
        if (!end) return
        const next = known[index + 1]?.start.latestUtcMs ?? endedUtcMs
        if (next !== null && next <= end.latestUtcMs) return
        db.query(
          `INSERT INTO instance_stopped(instance_id, stopped_time, running_time) VALUES (?, ?, ?)
           ON CONFLICT (instance_id, stopped_time) DO UPDATE SET running_time = excluded.running_time`,
        ).run(instanceId, toJulianDay(end.latestUtcMs), next === null ? null : toJulianDay(next))
      })
    },
  }
}

/** A run that may not have been one at all. */
function isSameStretch(start: Run["start"], end: Run["start"]): boolean {
  return start.earliestUtcMs === end.earliestUtcMs && start.latestUtcMs === end.latestUtcMs
}
