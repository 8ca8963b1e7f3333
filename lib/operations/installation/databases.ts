/** Making the data directory and both databases, and tightening what the old tools left readable. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Config } from "../../base/config.ts"
import { Failed } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { openUsageDb } from "../../db/usage_db.ts"
import { openUsersDb } from "../../db/users_db.ts"
import { refreshSums } from "../usage/sums.ts"

/** setgid: files get the directory's group, not that of whichever student called (SETUID.md). */
const directoryMode = 0o2700
const groupAndOtherBits = 0o077

export interface InitDatabasesDeps {
  config: Config
  clock: Clock
}

/**
 * Makes what is missing and changes nothing else but modes: old databases are opened in place and get the steps they lack.
 * Returns one line for each thing done; none when all was there.
 */
export function initDatabases({ config, clock }: InitDatabasesDeps, dryRun: boolean): string[] {
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
  for (const [path, open] of [
    [userDb, openUsersDb],
    [usageDb, openUsageDb],
  ] as const) {
    if (!existsSync(path)) act(`made ${path}`, () => open({ path, clock, create: true }).close())
    else if (!dryRun) open({ path, clock }).close()
  }
  if (!dryRun) makeSums(config, clock)
  return done
}

/** What an old database holds is summed up here, once, and not while somebody waits for the first report. */
function makeSums(config: Config, clock: Clock): void {
  const db = openUsageDb({ path: config.paths.usageDb, clock })
  try {
    refreshSums(db, db.prices.tariff(config), null)
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
