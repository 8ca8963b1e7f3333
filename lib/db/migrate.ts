/** Schema changes: append-only named steps, each applied and recorded in a transaction of its own. */
import { Database } from "bun:sqlite"
import { Failed } from "../base/errors.ts"

export interface Step {
  /** Never changed once it has been released: databases remember it. */
  name: string
  /** SQL, or what SQL alone cannot do. Runs inside the step's transaction. */
  up: string | ((db: Database) => void)
}

const table = "schema_migrations"

/** The steps that `db` has not had yet; throws Failed when it has had one that this version does not know. */
function pendingSteps(db: Database, steps: readonly Step[]): Step[] {
  const applied = appliedNames(db)
  const known = new Set(steps.map(({ name }) => name))
  const unknown = [...applied].find((name) => !known.has(name))
  if (unknown) {
    throw new Failed(
      `open ${db.filename}`,
      `was made by a newer version (step ${unknown}); install that version's tools`,
    )
  }
  return steps.filter(({ name }) => !applied.has(name))
}

/**
 * Applies what is pending, after `announce`; two processes may do so at once. Returns the names of the steps applied here.
 */
export function migrate(
  db: Database,
  steps: readonly Step[],
  nowIso: string,
  announce: () => void = () => {},
): string[] {
  if (pendingSteps(db, steps).length === 0) return []
  announce()
  const done: string[] = []
  for (const { name, up } of steps) {
    db.transaction(() => {
      db.run(`CREATE TABLE IF NOT EXISTS ${table} (name TEXT PRIMARY KEY, applied_at_utc TEXT NOT NULL)`)
      if (appliedNames(db).has(name)) return
      if (typeof up === "string") db.run(up)
      else up(db)
      db.query(`INSERT INTO ${table} (name, applied_at_utc) VALUES (?, ?)`).run(name, nowIso)
      done.push(name)
    }).immediate()
  }
  return done
}

/** The names of the steps that the database at `path` lacks, without applying them. */
export function missingSteps(path: string, steps: readonly Step[]): string[] {
  const db = new Database(path, { readwrite: true, create: false })
  try {
    return pendingSteps(db, steps).map(({ name }) => name)
  } finally {
    db.close()
  }
}

function appliedNames(db: Database): Set<string> {
  const exists = db.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
  if (!exists) return new Set()
  return new Set(
    db
      .query<{ name: string }, []>(`SELECT name FROM ${table}`)
      .all()
      .map((row) => row.name),
  )
}
