/** What a usage.db holds, for tests that say that nothing of it may have changed. */
import { handAt } from "./databases.ts"

/** Every row of every table but the ones that say when we looked. */
export function everythingRecorded(path: string): Record<string, unknown[]> {
  const db = handAt(path)
  const tables = db.tables().filter((name) => !name.startsWith("snapshots") && name !== "recent_commits")
  const rows = Object.fromEntries(tables.map((name) => [name, db.query(`SELECT * FROM "${name}"`).all()]))
  db.close()
  return rows
}
