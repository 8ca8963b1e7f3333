/** What a usage.db holds, for tests that say that nothing of it may have changed. */
import { Database } from "bun:sqlite"

/** Every row of every table but the ones that say when we looked. */
export function everythingRecorded(path: string): Record<string, unknown[]> {
  const db = new Database(path, { readonly: true })
  const names = db.query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'").all()
  const tables = names.filter(({ name }) => !name.startsWith("snapshots"))
  const rows = Object.fromEntries(tables.map(({ name }) => [name, db.query(`SELECT * FROM "${name}"`).all()]))
  db.close()
  return rows
}
