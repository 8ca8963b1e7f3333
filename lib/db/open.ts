/** Opens one of a course's two ledgers, in SQLite's file or in PostgreSQL. */

import type { PostgresSettings } from "../base/database.ts"
import { Failed } from "../base/errors.ts"
import { hostName } from "../host/host_name.ts"
import type { Db } from "./db.ts"
import { setbacks } from "./installation/setbacks.ts"
import type { Step } from "./migrate.ts"
import { explained } from "./postgres/errors.ts"
import { knownServer } from "./postgres/known_server.ts"
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
  const {
    server,
    path,
    clock,
    create = false,
    evenMoved = false,
    migrated,
    heard,
    readOnly = false,
  } = options
  if (!server) return openDatabase(options, steps)
  const known = knownServer(path, () => clock.now())
  const isLedger = schema === "ec2_usage"
  const listeners = { heard, ...(isLedger && !readOnly && { committed: known.remember }) }
  const db = openPostgres({ settings: server, schema, clock, create, evenMoved, migrated, listeners }, steps)
  try {
    if (readOnly) db.session.execute("SET default_transaction_read_only = on")
    if (!isLedger || readOnly) return db
    if (!known.check(db.session, db.name))
      db.transaction(() => setbacks(db).add({ host: hostName(), foundAtUtcMs: clock.now() }))
    db.session.onReconnect(() => {
      if (!known.check(db.session, db.name))
        throw new Failed(`database ${db.name}`, "went back while this run was under way; run it again")
    })
    return db
  } catch (error) {
    db.close()
    throw explained(db.name, error)
  }
}
