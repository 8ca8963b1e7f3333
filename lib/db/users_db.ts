/** users.db, opened: its stores share one connection. */
import { inTransaction, type OpenOptions, openDatabase } from "./open.ts"
import { usersSteps } from "./users_schema.ts"

export type UsersDb = ReturnType<typeof openUsersDb>

export function openUsersDb(options: OpenOptions) {
  const db = openDatabase(options, usersSteps)
  return {
    path: options.path,
    transaction: <T>(work: () => T): T => inTransaction(db, work),
    close: () => db.close(),
  }
}
