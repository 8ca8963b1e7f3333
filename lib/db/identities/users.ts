/** `users`: who has an account. The old table, column for column; people query it by hand. */
import type { Db } from "../db.ts"

export interface UserRow {
  login: string
  /** ISO 8601 in UTC. */
  createdAt: string
  /** The login that asked for it. */
  createdBy: string
  /** AWS console password; null where none is known. */
  password: string | null
}

const columns = `user_name AS login, create_time AS "createdAt", create_account AS "createdBy", login_password AS password`

export function users(db: Db) {
  return {
    get: (login: string): UserRow | null =>
      db.query<UserRow, [string]>(`SELECT ${columns} FROM users WHERE user_name = ?`).get(login),
    all: (): UserRow[] => db.query<UserRow, []>(`SELECT ${columns} FROM users ORDER BY user_name`).all(),
    add({ login, createdAt, createdBy, password }: UserRow): void {
      db.query(
        "INSERT INTO users(user_name, create_time, create_account, login_password) VALUES (?, ?, ?, ?)",
      ).run(login, createdAt, createdBy, password)
    },
    setPassword(login: string, password: string): void {
      db.query("UPDATE users SET login_password = ? WHERE user_name = ?").run(password, login)
    },
    forgetPassword(login: string): void {
      db.query("UPDATE users SET login_password = NULL WHERE user_name = ?").run(login)
    },
    /**
     * Removes the user with all keys. The keys by name too: the old tools never switched foreign keys on, so that theirs may
     * belong to a user who is no longer there.
     */
    remove(login: string): void {
      for (const table of [
        "access_keys",
        "ssh_keys",
        "identity_intents",
        "sessions",
        "session_failures",
        "users",
      ]) {
        db.query(`DELETE FROM ${table} WHERE user_name = ?`).run(login)
      }
    },
    /** Every login that any of the tables names, also where its user row is gone. */
    logins(): string[] {
      return db
        .query<{ login: string }, []>(
          `SELECT user_name AS login FROM users UNION SELECT user_name FROM access_keys
           UNION SELECT user_name FROM ssh_keys ORDER BY 1`,
        )
        .all()
        .map(({ login }) => login)
        .filter((login) => login !== null)
    },
  }
}
