/** A client's own idempotency tokens, per login: the reservation that each stands for. Never AWS's token itself. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface ClientToken {
  reservationId: string
  requestDigest: string
}

export function clientTokens(db: Db) {
  return {
    /** One from before `termStartUtcMs` was somebody else's, unless it is still under way. */
    get(login: string, token: string, termStartUtcMs: UtcMs | null): ClientToken | null {
      return db
        .query<ClientToken, [string, string, number]>(
          `SELECT reservation_id AS "reservationId", request_digest AS "requestDigest"
           FROM client_tokens JOIN reservations USING (reservation_id, login)
           WHERE login = ? AND client_token = ? AND (state = 'pending' OR created_at_utc_ms >= ?)`,
        )
        .get(login, token, termStartUtcMs ?? 0)
    },
    set(login: string, token: string, { reservationId, requestDigest }: ClientToken): void {
      db.query(
        `INSERT INTO client_tokens(login, client_token, reservation_id, request_digest) VALUES (?, ?, ?, ?)
         ON CONFLICT (login, client_token) DO UPDATE SET reservation_id = excluded.reservation_id,
           request_digest = excluded.request_digest`,
      ).run(login, token, reservationId, requestDigest)
    },
  }
}
