/** Schema changes: append-only named steps, each applied and recorded in a transaction of its own. */
import { Failed } from "../base/errors.ts"
import { msPerDay, msPerMinute } from "../base/time.ts"
import type { Db } from "./db.ts"

export interface Step {
  /** Never changed once it has been released: databases remember it. */
  name: string
  /**
   * SQL, or what SQL alone cannot do. Runs inside the step's transaction. Types are INTEGER (64 bits on both engines), TEXT, REAL and
   * BLOB; a table ends in STRICT or WITHOUT ROWID as SQLite wants it.
   */
  up: string | ((db: Db) => void)
  /** Instead of `up` where PostgreSQL needs more than other types: triggers, functions, reserved words. Written with the same types. */
  postgres?: string | ((db: Db) => void)
}

const table = "schema_migrations"

/**
 * For so long after a newer version's steps an older tool still works: the package runs init_dbs before it switches the tools, other
 * hosts follow, and runs that began before end after it. Steps only add.
 */
const upgradeWindowMs = msPerDay
/** By so much the clocks of two hosts may differ. */
const clockSkewMs = 10 * msPerMinute

/**
 * The steps that `db` has not had yet; throws Failed when it has had one that this version does not know, unless `mayBeNewer` says of
 * the time at which it had it that this is no matter.
 */
export function pendingSteps(
  db: Db,
  steps: readonly Step[],
  mayBeNewer: (appliedAtUtc: string) => boolean = () => false,
): Step[] {
  const applied = appliedSteps(db)
  const known = new Set(steps.map(({ name }) => name))
  for (const [name, appliedAt] of applied) {
    if (known.has(name) || mayBeNewer(appliedAt)) continue
    if (name.startsWith(movedPrefix))
      throw new Failed(
        `open ${db.name}`,
        `${name}; nothing is launched by this one any more (docs/postgresql.md)`,
      )
    throw new Failed(
      `open ${db.name}`,
      `was made by a newer version (step ${name}); install that version's tools, or put the copy back that its init_dbs made`,
    )
  }
  return steps.filter(({ name }) => !applied.has(name))
}

/**
 * Throws Failed where `db` lacks a step, or has had one of a newer version that is older than an upgrade takes. Nothing is changed: only
 * init_dbs does that, after a copy.
 */
export function requireCurrent(
  db: Db,
  steps: readonly Step[],
  nowUtcMs: number,
  { evenMoved = false } = {},
): void {
  const [missing] = pendingSteps(db, steps, (appliedAtUtc) => {
    if (evenMoved && appliedAtUtc === longAgo) return true
    const ageMs = nowUtcMs - Date.parse(appliedAtUtc)
    return ageMs > -clockSkewMs && ageMs < upgradeWindowMs
  })
  if (missing === undefined) return
  throw new Failed(
    `open ${db.name}`,
    `lacks the step "${missing.name}" of this version; run init_dbs as the course's account, which copies the database first`,
  )
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
      if (appliedSteps(db).has(name)) return
      if (typeof up === "string") db.exec(up)
      else up(db)
      db.query(`INSERT INTO ${table} (name, applied_at_utc) VALUES (?, ?)`).run(name, nowIso)
      done.push(name)
    })
  }
  return done
}

/** Older versions, too, refuse a database that has had a step which they do not know, unless it is new. */
const movedPrefix = "moved to "
const longAgo = "2010-01-01T00:00:00Z"

/** From now on nobody opens this ledger: it goes on elsewhere. Inside a transaction. */
export function markMoved(db: Db, where: string): void {
  db.query(`INSERT INTO ${table} (name, applied_at_utc) VALUES (?, ?) ON CONFLICT DO NOTHING`).run(
    movedPrefix + where,
    longAgo,
  )
}

/** It goes on here after all. Inside a transaction. */
export function unmarkMoved(db: Db): void {
  db.query(`DELETE FROM ${table} WHERE substr(name, 1, ${movedPrefix.length}) = ?`).run(movedPrefix)
}

/** When each step was applied, by its name. */
function appliedSteps(db: Db): Map<string, string> {
  if (!db.hasTable(table)) return new Map()
  const rows = db
    .query<{ name: string; applied_at_utc: string }, []>(`SELECT name, applied_at_utc FROM ${table}`)
    .all()
  return new Map(rows.map(({ name, applied_at_utc }) => [name, applied_at_utc]))
}
