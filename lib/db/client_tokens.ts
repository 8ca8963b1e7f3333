/** A client's own idempotency tokens, per login: the reservation that each stands for. Never AWS's token itself. */
import type { Database } from "bun:sqlite"

export interface ClientToken {
  reservationId: string
  requestDigest: string
}

export function clientTokens(db: Database) {
  return {
    get(login: string, token: string): ClientToken | null {
      return db
        .query<ClientToken, [string, string]>(
          `SELECT reservation_id AS reservationId, request_digest AS requestDigest
           FROM client_tokens WHERE login = ? AND client_token = ?`,
        )
        .get(login, token)
    },
    set(login: string, token: string, { reservationId, requestDigest }: ClientToken): void {
      db.query(
        "INSERT OR REPLACE INTO client_tokens(login, client_token, reservation_id, request_digest) VALUES (?, ?, ?, ?)",
      ).run(login, token, reservationId, requestDigest)
    },
  }
}
