/** Opens one of the two ledgers of a course in PostgreSQL: a schema each, its steps brought up to date. */
import type { PostgresSettings } from "../../base/database.ts"
import { Failed } from "../../base/errors.ts"
import { type Clock, isoUtc } from "../../base/time.ts"
import { migrate, pendingSteps, requireCurrent, type Step } from "../migrate.ts"
import { explained } from "./errors.ts"
import { openSession, type Session } from "./session.ts"
import { type PostgresDb, type PostgresListeners, postgresDb } from "./transaction.ts"

export interface PostgresOptions {
  settings: PostgresSettings
  /** ec2_usage or ec2_users. */
  schema: string
  clock: Clock
  /** Only init_dbs makes a schema: a wrong dbname must not become an empty ledger. */
  create?: boolean
  /** Only init_dbs brings one up to date; told the steps applied. A schema just made gets them all. */
  migrated?: ((steps: string[]) => void) | undefined
  /** Only copying opens a ledger that went on elsewhere. */
  evenMoved?: boolean
  listeners?: PostgresListeners
}

/** Throws Failed where the server cannot be reached or asked, the schema is missing, or it is from the future. */
export function openPostgres(options: PostgresOptions, steps: readonly Step[]): PostgresDb {
  const { settings, schema, clock, create = false, evenMoved = false, migrated, listeners } = options
  let session: Session | undefined
  try {
    session = openSession(settings, schema)
    const db = postgresDb(session, settings.name, listeners)
    if (create) makeSchema(session, schema)
    else if (!hasSchema(session, schema))
      throw new Failed(`database ${settings.name}`, `has no schema ${schema}; init_dbs makes it`)
    if (!create && migrated === undefined) {
      requireCurrent(db, steps, clock.now(), { evenMoved })
      return db
    }
    const done = migrate(db, steps.map(forPostgres), isoUtc(clock.now()))
    migrated?.(done)
    return db
  } catch (error) {
    session?.close()
    throw explained(settings.name, error)
  }
}

/** The names of the steps that the schema lacks, without applying them; null where there is no schema. */
export function missingPostgresSteps(
  { settings, schema }: Pick<PostgresOptions, "settings" | "schema">,
  steps: readonly Step[],
): string[] | null {
  let session: Session | undefined
  try {
    session = openSession(settings, schema)
    if (!hasSchema(session, schema)) return null
    return pendingSteps(postgresDb(session, settings.name), steps).map(({ name }) => name)
  } catch (error) {
    throw explained(settings.name, error)
  } finally {
    session?.close()
  }
}

function forPostgres({ name, up, postgres }: Step): Step {
  return { name, up: postgres === undefined ? up : postgres }
}

function hasSchema(session: Session, schema: string): boolean {
  const { values } = session.query("SELECT count(*) FROM pg_namespace WHERE nspname = $1", [schema])
  return values[0] === 1
}

/** The row that every transaction locks, and the marks by which a commit is found again. */
function makeSchema(session: Session, schema: string): void {
  if (hasSchema(session, schema)) return
  session.execute(`BEGIN; SELECT pg_advisory_xact_lock(hashtext('${schema}'));
    CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE TABLE IF NOT EXISTS ${schema}.ledger_lock(only_row BIGINT PRIMARY KEY CHECK (only_row = 1));
    INSERT INTO ${schema}.ledger_lock VALUES (1) ON CONFLICT DO NOTHING;
    CREATE TABLE IF NOT EXISTS ${schema}.recent_commits(
      commit_id TEXT PRIMARY KEY, committed_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp());
    COMMIT`)
}
