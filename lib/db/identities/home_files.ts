/** `home_files`: what we wrote into a home, so that what a person changed since can be told and kept. */
import type { Db } from "../db.ts"

export function homeFileRecords(db: Db) {
  return {
    /** Hex; null where we never wrote that file. */
    sha256Of: (login: string, path: string): string | null =>
      db
        .query<{ sha256: string }, [string, string]>(
          "SELECT sha256 FROM home_files WHERE user_name = ? AND path = ?",
        )
        .get(login, path)?.sha256 ?? null,
    put(login: string, path: string, sha256: string): void {
      db.query(
        `INSERT INTO home_files(user_name, path, sha256) VALUES (?, ?, ?)
         ON CONFLICT (user_name, path) DO UPDATE SET sha256 = excluded.sha256`,
      ).run(login, path, sha256)
    },
  }
}
