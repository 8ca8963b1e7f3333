/** Ledgers of tests on the engine that TEST_DATABASE names: SQLite's files in a directory, or a PostgreSQL database for it. */
import { Database } from "bun:sqlite"
import { basename, dirname } from "node:path"
import type { PostgresSettings } from "../../lib/base/database.ts"
import type { Db, SqlValue } from "../../lib/db/db.ts"
import type { OpenOptions } from "../../lib/db/open.ts"
import { openSession } from "../../lib/db/postgres/session.ts"
import { postgresDb } from "../../lib/db/postgres/transaction.ts"
import { sqliteDb } from "../../lib/db/sqlite/transaction.ts"
import { openUsageDb, type UsageDb } from "../../lib/db/usage_db.ts"
import { openUsersDb, type UsersDb } from "../../lib/db/users_db.ts"
import { onPostgres, sharedServer } from "./postgres.ts"

const databases = new Map<string, PostgresSettings>()

/** Gives a data directory a database, whatever TEST_DATABASE says. */
export function useDatabase(directory: string, settings: PostgresSettings): void {
  databases.set(directory, settings)
}

/** The database of a data directory, a new one at first; null on SQLite. */
export function databaseOf(directory: string): PostgresSettings | null {
  const given = databases.get(directory)
  if (given || !onPostgres) return given ?? null
  const known = sharedServer().newDatabase()
  databases.set(directory, known)
  return known
}

/** After a test changed its course's only config: as doctor --accept-config. Where a test gave the database itself, hosts are its subject. */
export function forgetAgreedConfig(directory: string): void {
  const dbname = databases.get(directory)?.parameters.find(([keyword]) => keyword === "dbname")?.[1]
  if (!onPostgres || dbname === undefined) return
  sharedServer().psql(
    `DO $$ BEGIN
       IF to_regclass('ec2_usage.agreed_config') IS NOT NULL THEN DELETE FROM ec2_usage.agreed_config; END IF;
     END $$`,
    dbname,
  )
}

/** [database] of a config for a data directory; no table on SQLite. */
export function databaseTable(directory: string): { database?: { url: string } } {
  const server = databaseOf(directory)
  return server ? { database: { url: server.parameters.map((pair) => pair.join("=")).join(" ") } } : {}
}

export function usageDbAt(options: OpenOptions): UsageDb {
  return openUsageDb({ ...options, server: databaseOf(dirname(options.path)) })
}

export function usersDbAt(options: OpenOptions): UsersDb {
  return openUsersDb({ ...options, server: databaseOf(dirname(options.path)) })
}

/** A person at the database of a path, with SQL of their own in the common subset. */
export interface Hand extends Pick<Db, "query" | "close"> {
  run(sql: string, params?: SqlValue[]): void
  tables(): string[]
}

export function handAt(path: string): Hand {
  const server = databaseOf(dirname(path))
  const db = server
    ? postgresDb(openSession(server, basename(path) === "users.db" ? "ec2_users" : "ec2_usage"), path)
    : sqliteDb(new Database(path))
  return {
    query: db.query,
    run: (sql, params = []) => void db.query(sql).run(...params),
    tables: () =>
      db
        .query<{ name: string }, []>(
          server
            ? "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
            : "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1",
        )
        .all()
        .map(({ name }) => name),
    close: () => db.close(),
  }
}
