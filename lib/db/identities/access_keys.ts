/** `access_keys`: the AWS access keys that we know the secret of. */
import type { Db } from "../db.ts"

export interface AccessKeyRow {
  id: string
  secret: string
}

export function accessKeys(db: Db) {
  return {
    /** In the order in which they were recorded: PostgreSQL's table has a column that is called rowid. */
    ofUser: (login: string): AccessKeyRow[] =>
      db
        .query<AccessKeyRow, [string]>(
          `SELECT access_key AS id, secret_access_key AS secret FROM access_keys
           WHERE user_name = ? AND secret_access_key IS NOT NULL ORDER BY rowid`,
        )
        .all(login),
    /** Needs the user's row. */
    add(login: string, { id, secret }: AccessKeyRow): void {
      db.query("INSERT INTO access_keys(user_name, access_key, secret_access_key) VALUES (?, ?, ?)").run(
        login,
        id,
        secret,
      )
    },
    remove(id: string): void {
      db.query("DELETE FROM access_keys WHERE access_key = ?").run(id)
    },
  }
}
