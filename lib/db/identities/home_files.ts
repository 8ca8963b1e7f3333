/** `home_files`: what we wrote into a home, so that what a person changed since can be told and kept. */
import type { Database } from "bun:sqlite"

export function homeFileRecords(db: Database) {
  return {
    /** Hex; null where we never wrote that file. */
    sha256Of: (login: string, path: string): string | null =>
      db
        .query<{ sha256: string }, [string, string]>(
          "SELECT sha256 FROM home_files WHERE user_name = ? AND path = ?",
        )
        .get(login, path)?.sha256 ?? null,
    put(login: string, path: string, sha256: string): void {
      db.query("INSERT OR REPLACE INTO home_files(user_name, path, sha256) VALUES (?, ?, ?)").run(
        login,
        path,
        sha256,
      )
    },
  }
}
