/** The nightly copies of both databases, and putting one back. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import type { Config } from "../../base/config.ts"
import { Failed } from "../../base/errors.ts"
import { type Clock, isoUtc, later, msPerDay, msPerSecond } from "../../base/time.ts"
import { copyDatabase, replaceDatabase, whyDamaged } from "../../db/sqlite/backup.ts"
import { missingSteps } from "../../db/sqlite/open.ts"
import { usageSteps } from "../../db/usage_schema.ts"
import { neverCopied, usersSteps } from "../../db/users_schema.ts"
import type { AuditLog } from "../../host/files/audit.ts"
import { requirePrivateDirectory } from "../../host/files/private_file.ts"
import { tryExclusiveLock } from "../../host/processes/lock_file.ts"
import { carryRowsOver, recordInto } from "./restored_rows.ts"

export interface BackupDeps {
  config: Pick<Config, "paths">
  clock: Clock
}

const backupName = /^\d{8}T\d{6}Z$/

/** Where backups are when nobody says otherwise. */
export function defaultBackupDirectory({ dataDir }: Config["paths"]): string {
  return join(dataDir, "backups")
}

/**
 * Copies both databases, each as it is at one moment, into a new directory named by the time, checks the copies, and
 * removes all but the `keep` newest. Returns the new directory. A backup is there whole or not at all.
 */
export function backUp(deps: BackupDeps, directory: string, keep: number): string {
  const finished = copyInto(deps, directory, "")
  for (const old of listBackups(directory).slice(keep)) rmSync(join(directory, old), { recursive: true })
  for (const old of replacedLongAgo(deps)) rmSync(old, { force: true })
  return finished
}

/** How long a restore's `PATH.replaced-TIME` is kept: long enough to see that the restored one is right. */
const replacedKeptMs = 30 * msPerDay

function replacedLongAgo({ config, clock }: BackupDeps): string[] {
  return databases(config.paths).flatMap((path) => {
    const prefix = `${basename(path)}.replaced-`
    return readdirSync(dirname(path))
      .filter((name) => name.startsWith(prefix) && backupName.test(name.slice(prefix.length)))
      .filter((name) => clock.now() - stampUtcMs(name.slice(prefix.length)) > replacedKeptMs)
      .map((name) => join(dirname(path), name))
  })
}

function stampUtcMs(stamp: string): number {
  return Date.parse(stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"))
}

/** The same copy for an upgrade: kept until a person removes it, however many nights go by. Returns its directory. */
export function backUpBeforeUpgrade(deps: BackupDeps): string {
  return copyInto(deps, defaultBackupDirectory(deps.config.paths), "before-upgrade-")
}

function copyInto({ config, clock }: BackupDeps, directory: string, prefix: string): string {
  const release = tryExclusiveLock(join(config.paths.dataDir, "backup.lock"))
  if (release === null)
    throw new Failed("backup", "another one is under way; run it again when that has ended")
  try {
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 })
    requirePrivateDirectory(directory)
    for (const name of readdirSync(directory).filter((entry) => entry.startsWith(".unfinished-"))) {
      rmSync(join(directory, name), { recursive: true })
    }
    const name = `${prefix}${freeStamp(clock, (stamp) => existsSync(join(directory, `${prefix}${stamp}`)))}`
    const unfinished = join(directory, `.unfinished-${name}`)
    mkdirSync(unfinished, { mode: 0o700 })
    for (const path of databases(config.paths)) {
      const copy = join(unfinished, basename(path))
      copyDatabase(path, copy, path === config.paths.userDb ? neverCopied : [])
      requireWhole(copy)
    }
    const finished = join(directory, name)
    renameSync(unfinished, finished)
    return finished
  } finally {
    release()
  }
}

/** This second, or the first after it that is not taken: two in one second are two. */
function freeStamp(clock: Clock, isTaken: (stamp: string) => boolean): string {
  for (let utcMs = clock.now(); ; utcMs = later(utcMs, msPerSecond)) {
    const stamp = isoUtc(utcMs).replaceAll(/[-:]/g, "")
    if (!isTaken(stamp)) return stamp
  }
}

/** The names of the backups in a directory, the newest first. */
export function listBackups(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => backupName.test(name))
    .sort()
    .reverse()
}

/**
 * Puts both databases back as they are in the backup directory `from`; what they replace is kept beside them. Everything is copied
 * and checked before the first is replaced. Returns what was kept, and the steps of this version that the databases now lack. Throws
 * Failed where a backup is not there, damaged, or of a newer version than this one.
 */
export function restore(
  deps: BackupDeps & { audit: AuditLog },
  from: string,
  login: string,
): { kept: string[]; missing: string[] } {
  const { config, clock } = deps
  const paths = databases(config.paths)
  const stamp = freeStamp(clock, (one) => paths.some((path) => existsSync(`${path}.replaced-${one}`)))
  const moves = paths.map((path) => ({
    path,
    source: join(from, basename(path)),
    incoming: `${path}.restoring`,
    aside: `${path}.replaced-${stamp}`,
  }))
  for (const { source, incoming } of moves) {
    if (!existsSync(source)) throw new Failed(`restore ${source}`, "is not there; --list shows the backups")
    requireWhole(source)
    rmSync(incoming, { force: true })
    copyDatabase(source, incoming)
  }
  const missing = moves.flatMap(({ path, incoming }) =>
    missingSteps(incoming, path === config.paths.userDb ? usersSteps : usageSteps),
  )
  const { usageDb } = config.paths
  recordInto(deps, usageDb, login, `restore databases from ${from}`)
  carryRowsOver(clock, usageDb, `${usageDb}.restoring`)
  for (const { path, incoming, aside } of moves) replaceDatabase(path, incoming, aside)
  recordInto(deps, usageDb, login, `restored databases from ${from}`)
  return { kept: moves.map(({ aside }) => aside).filter(existsSync), missing }
}

function databases({ userDb, usageDb }: Config["paths"]): string[] {
  return [userDb, usageDb]
}

function requireWhole(path: string): void {
  const damage = whyDamaged(path)
  if (damage !== null) throw new Failed(`check ${path}`, damage)
}
