/** `grants`: amounts that a limit is at least, for a time. */
import type { UtcMs } from "../../base/time.ts"
import type { LimitName } from "../../decisions/requests/limit_request.ts"
import type { Db } from "../db.ts"

export interface Grant {
  id: number
  /** Null where staff granted it without having been asked. */
  requestId: number | null
  login: string
  limit: LimitName
  /** Millionths of a dollar, or a count. */
  amount: number
  grantedBy: string
  beginsAtUtcMs: UtcMs
  /** Exclusive. Ending one early moves it. */
  endsAtUtcMs: UtcMs
}

const columns = `grant_id AS id, request_id AS "requestId", login, limit_name AS "limit", amount,
  granted_by AS "grantedBy", begins_at_utc_ms AS "beginsAtUtcMs", ends_at_utc_ms AS "endsAtUtcMs"`

export function grants(db: Db) {
  return {
    /** Of a login, in force now or ended since `sinceUtcMs`, given not before `fromUtcMs`. */
    ofLogin: (login: string, fromUtcMs: UtcMs, sinceUtcMs: UtcMs): Grant[] =>
      db
        .query<Grant, [string, number]>(
          `SELECT ${columns} FROM grants WHERE login = ? AND begins_at_utc_ms >= ? ORDER BY grant_id`,
        )
        .all(login, fromUtcMs)
        // Not in the statement: an admission foresees what it reads, and cannot foresee the millisecond.
        .filter(({ endsAtUtcMs }) => endsAtUtcMs > sinceUtcMs),
    inForce: (nowUtcMs: UtcMs): Grant[] =>
      db
        .query<Grant, [number]>(`SELECT ${columns} FROM grants WHERE ends_at_utc_ms > ? ORDER BY grant_id`)
        .all(nowUtcMs),
    get: (id: number): Grant | null =>
      db.query<Grant, [number]>(`SELECT ${columns} FROM grants WHERE grant_id = ?`).get(id),
    /** Returns its id. Inside the caller's transaction. */
    add(grant: Omit<Grant, "id">): number {
      const { requestId, login, limit, amount, grantedBy, beginsAtUtcMs, endsAtUtcMs } = grant
      return (
        db
          .query<{ id: number }, [number | null, string, string, number, string, number, number]>(
            `INSERT INTO grants(request_id, login, limit_name, amount, granted_by, begins_at_utc_ms, ends_at_utc_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING grant_id AS id`,
          )
          .get(requestId, login, limit, amount, grantedBy, beginsAtUtcMs, endsAtUtcMs)?.id ?? 0
      )
    },
    /** False where it has ended. */
    end: (id: number, atUtcMs: UtcMs): boolean =>
      db
        .query("UPDATE grants SET ends_at_utc_ms = ?1 WHERE grant_id = ?2 AND ends_at_utc_ms > ?1")
        .run(atUtcMs, id).changes > 0,
  }
}
