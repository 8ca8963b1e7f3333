/** `limit_requests`: what students ask for. */
import type { UtcMs } from "../../base/time.ts"
import type { LimitName } from "../../decisions/requests/limit_request.ts"
import type { Db } from "../db.ts"

export interface LimitRequest {
  id: number
  login: string
  limit: LimitName
  /** Millionths of a dollar, or a count. */
  amount: number
  reason: string
  createdAtUtcMs: UtcMs
  state: "open" | "granted" | "denied" | "withdrawn"
  decidedBy: string | null
  decidedAtUtcMs: UtcMs | null
  answer: string | null
}

const columns = `request_id AS id, login, limit_name AS "limit", amount, reason, created_at_utc_ms AS "createdAtUtcMs",
  state, decided_by AS "decidedBy", decided_at_utc_ms AS "decidedAtUtcMs", answer`

export function limitRequests(db: Db) {
  return {
    get: (id: number): LimitRequest | null =>
      db.query<LimitRequest, [number]>(`SELECT ${columns} FROM limit_requests WHERE request_id = ?`).get(id),
    open: (): LimitRequest[] =>
      db
        .query<LimitRequest, []>(
          `SELECT ${columns} FROM limit_requests WHERE state = 'open' ORDER BY request_id`,
        )
        .all(),
    openOf: (login: string): LimitRequest | null =>
      db
        .query<LimitRequest, [string]>(
          `SELECT ${columns} FROM limit_requests WHERE login = ? AND state = 'open'`,
        )
        .get(login),
    /** The newest first. */
    decided: (most: number): LimitRequest[] =>
      db
        .query<LimitRequest, [number]>(
          `SELECT ${columns} FROM limit_requests WHERE state <> 'open' ORDER BY request_id DESC LIMIT ?`,
        )
        .all(most),
    countSince: (login: string, sinceUtcMs: UtcMs): number =>
      db
        .query<{ count: number }, [string, number]>(
          "SELECT count(*) AS count FROM limit_requests WHERE login = ? AND created_at_utc_ms >= ?",
        )
        .get(login, sinceUtcMs)?.count ?? 0,
    /** Returns its id. Inside the caller's transaction, which has seen that none is open. */
    add({
      login,
      limit,
      amount,
      reason,
      createdAtUtcMs,
    }: Omit<LimitRequest, "id" | "state" | Decided>): number {
      return (
        db
          .query<{ id: number }, [string, string, number, string, number]>(
            `INSERT INTO limit_requests(login, limit_name, amount, reason, created_at_utc_ms, state)
             VALUES (?, ?, ?, ?, ?, 'open') RETURNING request_id AS id`,
          )
          .get(login, limit, amount, reason, createdAtUtcMs)?.id ?? 0
      )
    },
    /** False where it is not open any more. */
    decide(
      id: number,
      { state, decidedBy, decidedAtUtcMs, answer }: Pick<LimitRequest, "state" | Decided>,
    ): boolean {
      return (
        db
          .query(
            `UPDATE limit_requests SET state = ?, decided_by = ?, decided_at_utc_ms = ?, answer = ?
             WHERE request_id = ? AND state = 'open'`,
          )
          .run(state, decidedBy, decidedAtUtcMs, answer, id).changes > 0
      )
    },
  }
}

type Decided = "decidedBy" | "decidedAtUtcMs" | "answer"
