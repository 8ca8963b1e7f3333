/** `sessions`: the session of a login that AWS issued last, until it ends. It is in no backup and no copy. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface SessionRow {
  login: string
  /** What the session holds for: another uid, person or policy has another value. */
  boundTo: string
  accessKey: string
  secret: string
  token: string
  /** 1: our own credentials were a role's; the federation endpoint then takes no duration. */
  isChained: 0 | 1
  /** By this host's clock. */
  recordedAtUtcMs: UtcMs
  /** By AWS's clock; what a denial by date is held against. */
  issuedAtUtcMs: UtcMs
  /** By this host's clock, as it was when AWS answered. */
  endsAtUtcMs: UtcMs
  /** By AWS's clock: what clients are told. */
  expiresAtUtcMs: UtcMs
}

const columns = `user_name AS login, bound_to AS "boundTo", access_key AS "accessKey", secret_access_key AS secret,
  session_token AS token, is_chained AS "isChained", recorded_at_utc_ms AS "recordedAtUtcMs", issued_at_utc_ms AS "issuedAtUtcMs", ends_at_utc_ms AS "endsAtUtcMs",
  expires_at_utc_ms AS "expiresAtUtcMs"`

export function sessions(db: Db) {
  return {
    /** Null where there is none, or it is bound to something else. */
    get: (login: string, boundTo: string): SessionRow | null =>
      db
        .query<SessionRow, [string, string]>(
          `SELECT ${columns} FROM sessions WHERE user_name = ? AND bound_to = ?`,
        )
        .get(login, boundTo),
    /** When a login's session ends by this host's clock, whatever it is bound to. */
    endOf: (login: string): UtcMs | null =>
      db
        .query<{ end: UtcMs }, [string]>(`SELECT ends_at_utc_ms AS "end" FROM sessions WHERE user_name = ?`)
        .get(login)?.end ?? null,
    put(session: SessionRow): void {
      db.query(
        `INSERT INTO sessions(user_name, bound_to, access_key, secret_access_key, session_token, is_chained,
           recorded_at_utc_ms, issued_at_utc_ms, ends_at_utc_ms, expires_at_utc_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (user_name) DO UPDATE SET bound_to = excluded.bound_to, access_key = excluded.access_key,
           secret_access_key = excluded.secret_access_key, session_token = excluded.session_token,
           is_chained = excluded.is_chained, recorded_at_utc_ms = excluded.recorded_at_utc_ms,
           issued_at_utc_ms = excluded.issued_at_utc_ms, ends_at_utc_ms = excluded.ends_at_utc_ms,
           expires_at_utc_ms = excluded.expires_at_utc_ms`,
      ).run(
        session.login,
        session.boundTo,
        session.accessKey,
        session.secret,
        session.token,
        session.isChained,
        session.recordedAtUtcMs,
        session.issuedAtUtcMs,
        session.endsAtUtcMs,
        session.expiresAtUtcMs,
      )
    },
    remove(login: string): void {
      db.query("DELETE FROM sessions WHERE user_name = ?").run(login)
    },
    /** The logins that have one. */
    logins: (): string[] =>
      db
        .query<{ login: string }, []>("SELECT user_name AS login FROM sessions ORDER BY user_name")
        .all()
        .map(({ login }) => login),
    /** Forgets what has ended by this host's clock. */
    removeEnded(nowUtcMs: UtcMs): void {
      db.query("DELETE FROM sessions WHERE ends_at_utc_ms <= ?").run(nowUtcMs)
    },
  }
}
