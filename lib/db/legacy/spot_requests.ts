/** The old table of open spot requests: what is there was open when cron last looked. */

import { fromJulianDay, toJulianDay, type UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"
import { oldNames, textIn } from "./old_names.ts"

export interface OpenSpotRequest {
  requestId: string
  instanceType: string
  login: string
  requestedAtUtcMs: UtcMs
}

export function spotRequests(db: Db) {
  const { isNamed } = oldNames(db)
  const insertAll = (open: readonly OpenSpotRequest[]) => {
    const insert = db.query(
      `INSERT INTO pending_spot_requests(request_id, instance_type, request_time, username) VALUES (?, ?, ?, ?)
       ON CONFLICT (request_id) DO UPDATE SET instance_type = excluded.instance_type,
         request_time = excluded.request_time, username = excluded.username`,
    )
    for (const { requestId, instanceType, requestedAtUtcMs, login } of open) {
      insert.run(requestId, instanceType, toJulianDay(requestedAtUtcMs), login)
    }
  }
  return {
    /** Inside the caller's transaction. */
    replaceAll(open: readonly OpenSpotRequest[]): void {
      db.exec("DELETE FROM pending_spot_requests")
      insertAll(open)
    },

    /** Inside the caller's transaction; the others stay. */
    add: insertAll,

    /** The same for one login's. */
    replaceOf(login: string, open: readonly OpenSpotRequest[]): void {
      db.query("DELETE FROM pending_spot_requests WHERE username = ?").run(login)
      insertAll(open)
    },

    /** Of a login or, with null, of everybody. */
    open(login: string | null): OpenSpotRequest[] {
      return db
        .query<{ id: string; type: string; at: number; login: string }, [string | null]>(
          `SELECT ${textIn("request_id")} AS id, ${textIn("instance_type")} AS type, request_time AS at,
             ${textIn("username")} AS login
           FROM pending_spot_requests WHERE CAST(?1 AS TEXT) IS NULL OR ${isNamed("username", 1)}`,
        )
        .all(login)
        .map((row) => ({
          requestId: row.id,
          instanceType: row.type,
          login: row.login,
          requestedAtUtcMs: fromJulianDay(Number(row.at)),
        }))
    },
  }
}
