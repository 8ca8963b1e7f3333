/**
 * What the old tools recorded and the ledger does not have: rows of `instances` without a tracked instance. They stay where
 * they are, and their hours are what the database's own views say.
 */

import type { Market } from "../../base/instance.ts"
import { fromJulianDay, toJulianDay, type UtcMs, utcMsOf } from "../../base/time.ts"
import type { OldRow, OldStop } from "../../decisions/usage/old_runs.ts"
import type { Db } from "../db.ts"
import { type NameKey, oldNames, textIn } from "./old_names.ts"

/** Hours of all rows of one login, type and market, as the views count: started hours of each instance. */
export interface OldSum {
  login: string
  instanceType: string
  market: Market
  hours: number
}

/** A row that was never a run that anybody could price. */
export interface UndatedRow {
  instanceId: string
  login: string
  seenUtcMs: UtcMs | null
}

export type OldRows = ReturnType<typeof oldRows>

export function oldRows(db: Db) {
  const { isNamed, isTextual } = oldNames(db)
  const whose = (login: NameKey | null) => isTheirs(login, isNamed("username", 1))
  /** Text is greater than any number to SQLite, so that as an end it needs no such exception. */
  const beganBefore = `(start_time < ?3 OR ${isTextual("start_time")})`
  /** Triggers keep a row in old_usage_sums for each login that has any. */
  const none = (login: string | null): boolean =>
    db
      .query<unknown, [string | null]>(
        `SELECT 1 FROM old_usage_sums WHERE ${login === null ? "CAST(?1 AS TEXT) IS NULL" : isNamed("login", 1)} LIMIT 1`,
      )
      .get(login) === null
  return {
    /** Those without an end, of a login or, with null, of everybody. */
    running(login: string | null): OldRow[] {
      if (none(login)) return []
      return db
        .query<Row, [string | null]>(`${selectRows} AND end_time IS NULL AND ${whose(login)}`)
        .all(login)
        .map((row) => fromRow(db, row))
    },

    /** Those without an end whose start, too, nobody wrote down. */
    runningWithoutStart(): UndatedRow[] {
      return db
        .query<{ instanceId: string; login: string; seen: number | null }, []>(
          `SELECT instance_id AS "instanceId", ${textIn("username")} AS login, julianday(last_seen) AS seen FROM instances
           WHERE end_time IS NULL AND NOT ${hasStart} AND ${isOld}`,
        )
        .all()
        .map(({ seen, ...row }) => ({ ...row, seenUtcMs: seen === null ? null : fromJulianDay(seen) }))
    },

    /** All of a login that have ended. */
    *endedOf(login: NameKey): Generator<OldRow> {
      const rows = db.query<Row, [NameKey]>(`${selectEnded} AND ${whose(login)}`)
      for (const row of rows.iterate(login)) yield fromRow(db, row)
    },

    /** Whether it has any row of a login, also one without a start: the views have that, too. */
    has: (login: NameKey): boolean =>
      db
        .query<unknown, [NameKey]>(`SELECT 1 FROM instances WHERE ${isOld} AND ${whose(login)} LIMIT 1`)
        .get(login) !== null,

    ofInstance: (instanceId: string): OldRow | null => {
      const row = db.query<Row, [string]>(`${selectRows} AND instance_id = ?`).get(instanceId)
      return row && fromRow(db, row)
    },

    /** Whose row it is, whatever else is in it; null where there is none. */
    loginOf: (instanceId: string): string | null =>
      db
        .query<{ login: string }, [string]>(
          `SELECT ${textIn("username")} AS login FROM instances WHERE instance_id = ?`,
        )
        .get(instanceId)?.login ?? null,

    firstStart(): UtcMs | null {
      const row = db
        .query<{ at: number | null }, []>("SELECT min(julianday(start_time)) AS at FROM instances")
        .get()
      return row?.at ? fromJulianDay(row.at) : null
    },

    /** When the old cron looked, as far as what it saw then tells, the first time first. */
    looks(): UtcMs[] {
      return db
        .query<{ at: number }, []>(
          `SELECT DISTINCT julianday(last_seen) AS at FROM instances
           WHERE julianday(last_seen) IS NOT NULL AND ${isOld} ORDER BY at`,
        )
        .all()
        .map(({ at }) => fromJulianDay(at))
    },

    /** Those that ran in a stretch of time, of a login or, with null, of everybody. */
    *within(login: string | null, fromUtcMs: UtcMs, toUtcMs: UtcMs): Generator<OldRow> {
      if (none(login)) return
      const rows = db.query<Row, [string | null, number, number]>(
        `${selectEnded} AND ${whose(login)} AND ${beganBefore} AND end_time > ?2
         UNION ALL ${selectRows} AND ${whose(login)} AND ${beganBefore} AND end_time IS NULL`,
      )
      const limit = (utcMs: UtcMs) => Math.max(-1e9, Math.min(1e9, toJulianDay(utcMs)))
      for (const row of rows.iterate(login, limit(fromUtcMs), limit(toUtcMs))) {
        const run = fromRow(db, row)
        if (run.startUtcMs < toUtcMs && (run.endUtcMs ?? toUtcMs) > fromUtcMs) yield run
      }
    },

    /** Of one instance by the same views as `hours`; null where it is the ledger's, or not known. */
    hoursOf: (instanceId: string): number | null =>
      db
        .query<{ hours: number | null }, [string]>(
          `SELECT hours FROM (SELECT instance_id, hours FROM finished_instance_times
             UNION ALL SELECT instance_id, hours FROM pending_instance_times) AS times
           WHERE instance_id = ?1 AND ${isOld}`,
        )
        .get(instanceId)?.hours ?? null,

    /** Hours by the database's own views; what has not ended counts until now by the machine's clock, as the view does. */
    hours(what: "finished" | "pending", login: string | null): OldSum[] {
      if (none(login)) return []
      return db
        .query<OldSum, [string | null]>(
          `SELECT ${textIn("username")} AS login, ${textIn("instance_type")} AS "instanceType",
             CASE WHEN CAST(is_spot AS INTEGER) <> 0 THEN 'spot' ELSE 'on-demand' END AS market, sum(hours) AS hours
           FROM ${what}_instance_times
           WHERE ${whose(login)} AND ${isOld}
           GROUP BY username, instance_type, is_spot`,
        )
        .all(login)
    },
  }
}

/** A condition on ?1 that an index can serve, which `?1 IS NULL OR …` is not. Nobody's rows have no name, or an empty one. */
function isTheirs(login: NameKey | null, isNamed: string): string {
  if (login === null) return "CAST(?1 AS TEXT) IS NULL"
  return login.length === 0 ? `(username IS NULL OR ${isNamed})` : isNamed
}

/** A start before there was EC2, such as 0, is none. */
const hasStart = `(coalesce(julianday(start_time), 0) >= ${toJulianDay(utcMsOf(Date.UTC(2006, 0, 1)))})`

const isOld = "instance_id NOT IN (SELECT instance_id FROM tracked_instances)"

/**
 * Of what has ended it does not matter when it was last seen: without that column an index answers alone. `julianday` takes
 * the old tools' numbers as they are, and also the ISO strings of people who mended a row by hand.
 */
const select = (
  seen: string,
) => `SELECT ${textIn("instance_id")} AS instance_id, ${textIn("instance_type")} AS instance_type,
    coalesce(is_spot, 0) AS is_spot, ${textIn("username")} AS username,
    julianday(start_time) AS start_time, julianday(end_time) AS end_time, ${seen} AS seen,
    EXISTS (SELECT 1 FROM instance_stopped WHERE instance_id = instances.instance_id) AS has_stops
  FROM instances
  WHERE ${isOld} AND ${hasStart}`
const selectRows = select("julianday(last_seen)")
const selectEnded = `${select("NULL")} AND julianday(end_time) IS NOT NULL`

interface Row {
  instance_id: string
  instance_type: string
  is_spot: number
  username: string
  start_time: number
  end_time: number | null
  seen: number | null
  has_stops: number
}

function timeOf(julianDay: number | null): UtcMs | null {
  return julianDay === null ? null : fromJulianDay(julianDay)
}

function fromRow(db: Db, row: Row): OldRow {
  return {
    instanceId: row.instance_id,
    instanceType: row.instance_type,
    market: row.is_spot ? "spot" : "on-demand",
    login: row.username,
    startUtcMs: fromJulianDay(row.start_time),
    endUtcMs: timeOf(row.end_time),
    seenUtcMs: timeOf(row.seen),
    stops: row.has_stops ? stopsOf(db, row.instance_id) : [],
  }
}

function stopsOf(db: Db, instanceId: string): OldStop[] {
  return db
    .query<{ stopped: number; running: number | null }, [string]>(
      `SELECT julianday(stopped_time) AS stopped, julianday(running_time) AS running FROM instance_stopped
       WHERE instance_id = ? AND julianday(stopped_time) IS NOT NULL`,
    )
    .all(instanceId)
    .map(({ stopped, running }) => ({
      stoppedUtcMs: fromJulianDay(stopped),
      runningUtcMs: timeOf(running),
    }))
}
