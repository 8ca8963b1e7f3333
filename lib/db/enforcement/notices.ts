/** Lines that a student is shown by whichever of our tools runs next. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface Notice {
  login: string
  /** What it is about; the same thing is said once. */
  about: string
  text: string
  createdAtUtcMs: UtcMs
  /** From then on it says nothing true any more and is not shown. */
  expiresAtUtcMs: UtcMs
}

export function notices(db: Db) {
  return {
    /** Returns false where it has been said. */
    add(notice: Notice): boolean {
      return (
        db
          .query(
            `INSERT INTO notices(login, about, text, created_at_utc_ms, expires_at_utc_ms)
             VALUES ($login, $about, $text, $createdAtUtcMs, $expiresAtUtcMs) ON CONFLICT DO NOTHING`,
          )
          .run({ ...notice }).changes > 0
      )
    },
    has(login: string, about: string): boolean {
      return db.query("SELECT 1 FROM notices WHERE login = ? AND about = ?").get(login, about) !== null
    },
    /** When the first of those was given that begin so and still held at `utcMs`; null where there is none. */
    firstSince(login: string, aboutPrefix: string, utcMs: UtcMs): UtcMs | null {
      return (
        db
          .query<{ at: UtcMs | null }, [string, string, number]>(
            `SELECT min(created_at_utc_ms) AS at FROM notices
             WHERE login = ?1 AND substr(about, 1, length(CAST(?2 AS TEXT))) = ?2 AND expires_at_utc_ms > ?3`,
          )
          .get(login, aboutPrefix, utcMs)?.at ?? null
      )
    },
    /** What a login has not been shown yet. */
    pending(login: string, nowUtcMs: UtcMs): { id: number; text: string }[] {
      return db
        .query<{ id: number; text: string }, [string, number]>(
          `SELECT notice_id AS id, text FROM notices
           WHERE login = ? AND shown_at_utc_ms IS NULL AND expires_at_utc_ms > ? ORDER BY notice_id`,
        )
        .all(login, nowUtcMs)
    },
    shown(id: number, nowUtcMs: UtcMs): void {
      db.query("UPDATE notices SET shown_at_utc_ms = ? WHERE notice_id = ?").run(nowUtcMs, id)
    },
  }
}
