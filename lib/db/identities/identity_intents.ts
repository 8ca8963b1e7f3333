/**
 * `identity_intents`: what a run was about to have AWS make, written before the call. What a run that was killed leaves here
 * tells the next one whether a key that AWS has and we do not know is ours to delete.
 */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface IntentDetails {
  /** The user's access keys before the new one; `replaces` when those go once the new one is handed over. */
  "access key": { before: string[]; replaces: boolean }
  /** The password that the console is to have. */
  password: { password: string }
}

export type IntentKind = keyof IntentDetails

export function identityIntents(db: Db) {
  return {
    get<K extends IntentKind>(login: string, kind: K): IntentDetails[K] | null {
      const row = db
        .query<{ detail: string }, [string, string]>(
          "SELECT detail FROM identity_intents WHERE user_name = ? AND kind = ?",
        )
        .get(login, kind)
      return row ? (JSON.parse(row.detail) as IntentDetails[K]) : null
    },
    begin<K extends IntentKind>(login: string, kind: K, detail: IntentDetails[K], nowUtcMs: UtcMs): void {
      db.query(
        `INSERT INTO identity_intents(user_name, kind, detail, started_at_utc_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (user_name, kind) DO UPDATE SET detail = excluded.detail,
           started_at_utc_ms = excluded.started_at_utc_ms`,
      ).run(login, kind, JSON.stringify(detail), nowUtcMs)
    },
    end(login: string, kind: IntentKind): void {
      db.query("DELETE FROM identity_intents WHERE user_name = ? AND kind = ?").run(login, kind)
    },
  }
}
