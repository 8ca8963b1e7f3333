/** What a usage.db holds, for tests that say that nothing of it may have changed. */
import { handAt } from "./databases.ts"

/** Tables that say when we looked, and what staff are told of a look that failed. */
const ofLooks = /^(snapshots.*|recent_commits|messages)$/

/** Every row of every other table. */
export function everythingRecorded(path: string): Record<string, unknown[]> {
  const db = handAt(path)
  const tables = db.tables().filter((name) => !ofLooks.test(name))
  const rows = Object.fromEntries(tables.map((name) => [name, db.query(`SELECT * FROM "${name}"`).all()]))
  db.close()
  return rows
}
