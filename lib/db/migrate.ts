/** Schema changes: append-only named steps, each applied and recorded in a transaction of its own. */
import { Failed } from "../base/errors.ts"
import type { Db } from "./db.ts"

export interface Step {
  /** Never changed once it has been released: databases remember it. */
  name: string
  /**
   * SQL, or what SQL alone cannot do. Runs inside the step's transaction. Types are INTEGER (64 bits on both engines), TEXT, REAL and
   * BLOB; a table ends in STRICT or WITHOUT ROWID as SQLite wants it.
   */
  up: string | ((db: Db) => void)
}

const table = "schema_migrations"

/** The steps that `db` has not had yet; throws Failed when it has had one that this version does not know. */
export function pendingSteps(db: Db, steps: readonly Step[]): Step[] {
  const applied = appliedNames(db)
  const known = new Set(steps.map(({ name }) => name))
  const unknown = [...applied].find((name) => !known.has(name))
  if (unknown) {
    throw new Failed(
      `open ${db.name}`,
      `was made by a newer version (step ${unknown}); install that version's tools`,
    )
  }
  return steps.filter(({ name }) => !applied.has(name))
}

/**
 * Applies what is pending, after `announce`; two processes may do so at once. Returns the names of the steps applied here.
 */
export function migrate(
  db: Db,
  steps: readonly Step[],
  nowIso: string,
  announce: () => void = () => {},
): string[] {
  if (pendingSteps(db, steps).length === 0) return []
  announce()
  const done: string[] = []
  for (const { name, up } of steps) {
    db.transaction(() => {
      db.exec(`CREATE TABLE IF NOT EXISTS ${table} (name TEXT PRIMARY KEY, applied_at_utc TEXT NOT NULL)`)
      if (appliedNames(db).has(name)) return
      if (typeof up === "string") db.exec(up)
      else up(db)
      db.query(`INSERT INTO ${table} (name, applied_at_utc) VALUES (?, ?)`).run(name, nowIso)
      done.push(name)
    })
  }
  return done
}

function appliedNames(db: Db): Set<string> {
  if (!db.hasTable(table)) return new Set()
  const rows = db.query<{ name: string }, []>(`SELECT name FROM ${table}`).all()
  return new Set(rows.map(({ name }) => name))
}
