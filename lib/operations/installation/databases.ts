/** Making the data directory and both databases, and tightening what the old tools left readable. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Config } from "../../base/config.ts"
import { Failed } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { missingPostgresSteps } from "../../db/postgres/open.ts"
import { missingSteps } from "../../db/sqlite/open.ts"
import { openUsageDb } from "../../db/usage_db.ts"
import { usageSteps } from "../../db/usage_schema.ts"
import { openUsersDb } from "../../db/users_db.ts"
import { usersSteps } from "../../db/users_schema.ts"
import { refreshSums } from "../usage/sums.ts"
import { backUpBeforeUpgrade, defaultBackupDirectory } from "./backups.ts"
import { recordedId } from "./course_mark.ts"

/** setgid: files get the directory's group, not that of whichever student called. */
const directoryMode = 0o2700
const groupAndOtherBits = 0o077

export interface InitDatabasesDeps {
  config: Config
  clock: Clock
  /** Told before what keeps a person waiting. */
  say?: (line: string) => void
}

/**
 * Makes what is missing and changes nothing else but modes: old databases get in place the steps that they lack, after a copy of both
 * was made. Returns one line for each thing done; none when all was there. Throws Failed, and has changed nothing, where a database is of
 * a newer version.
 */
export function initDatabases({ config, clock, say }: InitDatabasesDeps, dryRun: boolean): string[] {
  const { dataDir, userDb, usageDb, auditLog, rootAccessKey } = config.paths
  const done: string[] = []
  const act = (what: string, work: () => void) => {
    if (!dryRun) work()
    done.push(what)
  }
  for (const directory of new Set([dataDir, dirname(userDb), dirname(usageDb)])) {
    if (existsSync(directory)) tighten(directory, act)
    else {
      act(`made ${directory}`, () => {
        mkdirSync(directory, { recursive: true, mode: 0o700 })
        chmodSync(directory, directoryMode)
      })
    }
  }
  const own = [userDb, usageDb, auditLog, rootAccessKey]
  for (const file of own.flatMap(withCompanions).filter(existsSync)) tighten(file, act)
  for (const name of existsSync(dataDir) ? readdirSync(dataDir) : []) {
    const path = join(dataDir, name)
    if (!own.flatMap(withCompanions).includes(path)) tighten(path, act)
  }
  const server = config.database
  const databases = [
    { path: userDb, schema: "ec2_users", open: openUsersDb, steps: usersSteps },
    { path: usageDb, schema: "ec2_usage", open: openUsageDb, steps: usageSteps },
  ].map(({ path, schema, open, steps }) => ({
    name: server ? `schema ${schema} of ${server.name}` : path,
    open: (more: { create?: boolean; migrated?: (steps: string[]) => void }) =>
      open({ path, server, clock, say, ...more }).close(),
    missing: server
      ? missingPostgresSteps({ settings: server, schema }, steps)
      : existsSync(path)
        ? missingSteps(path, steps)
        : null,
  }))
  const old = databases.filter(({ missing }) => missing !== null && missing.length > 0)
  for (const { name, open, missing } of databases)
    if (missing === null) act(`made ${name}`, () => open({ create: true }))
  if (old.length > 0 && !server) {
    const copy = dryRun
      ? `a directory in ${defaultBackupDirectory(config.paths)}`
      : backUpBeforeUpgrade({ config, clock })
    done.push(`copied both databases to ${copy}; backup_dbs --restore of the version before puts them back`)
  }
  for (const { name, open, missing } of old) {
    const added = (steps: readonly string[]) => {
      if (steps.length > 0) done.push(`added to ${name}: ${steps.join(", ")}`)
    }
    if (dryRun) added(missing ?? [])
    else open({ migrated: added })
  }
  if (!dryRun) makeSums(config, clock)
  return done
}

/** What an old database holds is summed up here, once, and not while somebody waits for the first report. It gets its id, too. */
function makeSums(config: Config, clock: Clock): void {
  const db = openUsageDb({ path: config.paths.usageDb, server: config.database, clock })
  try {
    refreshSums(db, db.prices.tariff(config), null)
    recordedId({ config, usageDb: db })
  } finally {
    db.close()
  }
}

/** SQLite's own files beside a database. */
function withCompanions(path: string): string[] {
  return [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]
}

function tighten(path: string, act: (what: string, work: () => void) => void): void {
  const stats = lstatSync(path)
  if (stats.isSymbolicLink() || (stats.mode & groupAndOtherBits) === 0) return
  if (stats.uid !== process.geteuid?.()) {
    throw new Failed(`tighten ${path}`, `is owned by uid ${stats.uid}, not by this account; chown it first`)
  }
  const mode = stats.mode & 0o7777 & ~groupAndOtherBits
  act(`tightened ${path} to mode ${mode.toString(8).padStart(4, "0")}`, () => chmodSync(path, mode))
}
