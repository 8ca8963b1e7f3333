/** `roster_drops` and `roster_tasks`: who has left the roster, and what an import has yet to do at AWS. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface Dropped {
  login: string
  person: string
  droppedAtUtcMs: UtcMs
}

export type RosterTaskKind = "suspend" | "lift" | "begin anew"

export interface RosterTask {
  id: number
  kind: RosterTaskKind
  login: string
  createdAtUtcMs: UtcMs
}

export function rosterDrops(db: Db) {
  return {
    /** Those who have not come back. */
    all: (): Dropped[] =>
      db
        .query<Dropped, []>(
          `SELECT login, person, dropped_at_utc_ms AS "droppedAtUtcMs" FROM roster_drops
           WHERE returned_at_utc_ms IS NULL ORDER BY login, drop_id`,
        )
        .all(),
    of: (login: string): Dropped | null =>
      db
        .query<Dropped, [string]>(
          `SELECT login, person, dropped_at_utc_ms AS "droppedAtUtcMs" FROM roster_drops
           WHERE login = ? AND returned_at_utc_ms IS NULL ORDER BY drop_id DESC LIMIT 1`,
        )
        .get(login),
    isDropped: (login: string): boolean =>
      db
        .query("SELECT 1 AS one FROM roster_drops WHERE login = ? AND returned_at_utc_ms IS NULL LIMIT 1")
        .get(login) !== null,
    /** Inside the caller's transaction. */
    add({ login, person, droppedAtUtcMs }: Dropped): void {
      db.query("INSERT INTO roster_drops(login, person, dropped_at_utc_ms) VALUES (?, ?, ?)").run(
        login,
        person,
        droppedAtUtcMs,
      )
    },
    /** Inside the caller's transaction. */
    returned(login: string, nowUtcMs: UtcMs): void {
      db.query(
        "UPDATE roster_drops SET returned_at_utc_ms = ? WHERE login = ? AND returned_at_utc_ms IS NULL",
      ).run(nowUtcMs, login)
    },
  }
}

export function rosterTasks(db: Db) {
  return {
    /** In the order in which they were made. */
    open: (): RosterTask[] =>
      db
        .query<RosterTask, []>(
          `SELECT task_id AS id, kind, login, created_at_utc_ms AS "createdAtUtcMs" FROM roster_tasks
           WHERE done_at_utc_ms IS NULL ORDER BY task_id`,
        )
        .all(),
    hasOpen: (login: string, kind: RosterTaskKind): boolean =>
      db
        .query(
          "SELECT 1 AS one FROM roster_tasks WHERE login = ? AND kind = ? AND done_at_utc_ms IS NULL LIMIT 1",
        )
        .get(login, kind) !== null,
    /** Inside the caller's transaction. What is open of that login for the opposite purpose is over. */
    add(kind: RosterTaskKind, login: string, nowUtcMs: UtcMs): void {
      if (kind !== "begin anew")
        db.query(
          `UPDATE roster_tasks SET done_at_utc_ms = ?, failure = 'overtaken'
           WHERE login = ? AND kind IN ('suspend', 'lift') AND done_at_utc_ms IS NULL`,
        ).run(nowUtcMs, login)
      db.query("INSERT INTO roster_tasks(kind, login, created_at_utc_ms) VALUES (?, ?, ?)").run(
        kind,
        login,
        nowUtcMs,
      )
    },
    done(id: number, nowUtcMs: UtcMs): void {
      db.query("UPDATE roster_tasks SET done_at_utc_ms = ?, failure = NULL WHERE task_id = ?").run(
        nowUtcMs,
        id,
      )
    },
    failed(id: number, why: string): void {
      db.query("UPDATE roster_tasks SET failure = ? WHERE task_id = ?").run(why, id)
    },
  }
}
