/** Opens one of a course's two ledgers, in SQLite's file or in PostgreSQL. */
import type { PostgresSettings } from "../base/database.ts"
import type { Db } from "./db.ts"
import type { Step } from "./migrate.ts"
import { openPostgres } from "./postgres/open.ts"
import { type FileOptions, openDatabase } from "./sqlite/open.ts"

export interface OpenOptions extends FileOptions {
  /** Null or absent: SQLite, at `path`. */
  server?: PostgresSettings | null
  /** Hears the server's time once for each transaction. */
  heard?: (utcMs: number) => void
}

/** Throws Failed with what to do where the database cannot be opened. `schema`: its name in PostgreSQL. */
export function openDb(options: OpenOptions, schema: "ec2_usage" | "ec2_users", steps: readonly Step[]): Db {
  const { server, clock, create = false, migrated, heard } = options
  return server
    ? openPostgres({ settings: server, schema, clock, create, migrated, heard }, steps)
    : openDatabase(options, steps)
}
