/** What a server says of itself and of the course's role: for doctor. */
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface ServerFacts {
  version: string
  /** By the server's clock. */
  nowUtcMs: UtcMs
  isSuperuser: boolean
  /** -1: none. */
  connectionLimit: number
  /** Databases, other than this one, that the role owns. */
  otherDatabases: number
  standbys: number
  /** Whether a COMMIT waits for a standby. */
  isSynchronous: boolean
  /** Whether the write-ahead log is archived, from which the server is put back. */
  isArchived: boolean
}

export function serverFacts(db: Db): ServerFacts {
  const row = db
    .query<Record<keyof Omit<ServerFacts, "version">, number> & { version: string }, []>(
      `SELECT current_setting('server_version') AS version,
         CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint) AS "nowUtcMs",
         rolsuper AS "isSuperuser", rolconnlimit AS "connectionLimit",
         (SELECT count(*) FROM pg_database WHERE datdba = pg_roles.oid AND datname <> current_database())
           AS "otherDatabases",
         (SELECT count(*) FROM pg_stat_replication) AS standbys,
         current_setting('synchronous_standby_names') <> ''
           AND current_setting('synchronous_commit') IN ('on', 'remote_write', 'remote_apply') AS "isSynchronous",
         current_setting('archive_mode') <> 'off' AS "isArchived"
       FROM pg_roles WHERE rolname = current_user`,
    )
    .get()
  if (!row) throw new Error("the server does not know the role that is connected")
  return {
    ...row,
    nowUtcMs: utcMsOf(row.nowUtcMs),
    isSuperuser: row.isSuperuser === 1,
    isSynchronous: row.isSynchronous === 1,
    isArchived: row.isArchived === 1,
  }
}
