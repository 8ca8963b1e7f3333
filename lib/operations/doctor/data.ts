/** The privileged account's files: private, whole, up to date, with room to grow. */

import { existsSync, lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Config } from "../../base/config.ts"
import { matchesGlob } from "../../base/login.ts"
import { usd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { type Clock, duration, isoUtc, msPerDay, utcMsOf } from "../../base/time.ts"
import { whyDamaged } from "../../db/sqlite/backup.ts"
import { networkFileSystem } from "../../db/sqlite/file_system.ts"
import { missingSteps } from "../../db/sqlite/open.ts"
import { usageSteps } from "../../db/usage_schema.ts"
import { usersSteps } from "../../db/users_schema.ts"
import { freeSpace, mountOf } from "../../host/files/mounts.ts"
import { fullBytes, lowBytes, lowShare } from "../../host/files/reserve.ts"
import { defaultBackupDirectory, listBackups } from "../installation/backups.ts"
import { makeRoom, storeWorkingKey } from "./advice.ts"
import { attempt, type Finding, failing, ok, warning } from "./finding.ts"

export interface DataDeps {
  config: Config
  clock: Clock
  accountUid: number
  lateLines(): number
}

export async function checkData(deps: DataDeps): Promise<Finding[]> {
  const { config } = deps
  const { dataDir, userDb, usageDb } = config.paths
  const initialize = "run init_dbs as the account"
  const reach = "see who holds it, its owner, and what its directory is mounted with"
  const findings = await Promise.all([
    attempt("data directory", initialize, () => checkPrivacy(deps)),
    attempt("file system", "", () => checkFileSystem(dataDir)),
    // A server's ledger has checks of its own.
    ...(config.database
      ? []
      : [
          attempt("users.db", reach, () => checkDatabase(userDb, usersSteps)),
          attempt("usage.db", reach, () => checkDatabase(usageDb, usageSteps)),
          attempt("backup", "run backup_dbs", () => checkBackup(deps)),
        ]),
    attempt("audit log", "", () => checkAuditLog(deps)),
    attempt("budget", "", () => checkBudget(deps)),
    attempt("limits of users", "", () => checkOverrides(deps)),
  ])
  return findings.flat()
}

function checkPrivacy({ config, accountUid }: DataDeps): Finding[] {
  const { dataDir, auditLog, userDb, usageDb, rootAccessKey } = config.paths
  // Of ext4, where the data directory is a file system of its own.
  const inside = readdirSync(dataDir)
    .filter((name) => name !== "lost+found")
    .map((name) => join(dataDir, name))
  const named = [dataDir, auditLog, userDb, usageDb, rootAccessKey].filter(existsSync)
  const wrong = [...new Set([...named, ...inside])].flatMap((path) => {
    const stats = lstatSync(path)
    if (stats.isSymbolicLink()) return [warning(path, "is a link", "put the file itself there")]
    if (stats.uid !== accountUid)
      return [failing(path, `belongs to uid ${stats.uid}`, `chown it to uid ${accountUid}`)]
    if ((stats.mode & 0o077) === 0) return []
    return [
      failing(
        path,
        "is open to others",
        "run init_dbs, which tightens it; if it was readable, change its secrets",
      ),
    ]
  })
  if (config.aws.credentials === "file" && !existsSync(rootAccessKey))
    wrong.push(failing(rootAccessKey, "is missing", storeWorkingKey))
  return wrong.length > 0 ? wrong : [ok(dataDir, "is the account's alone, and all in it")]
}

function checkFileSystem(dataDir: string): Finding[] {
  const network = networkFileSystem(dataDir)
  const { bytes, share } = freeSpace(dataDir)
  const { point, options } = mountOf(dataDir)
  const free = `${Math.floor(bytes / 2 ** 20)} MiB free (${Math.floor(share * 100)} %)`
  return [
    ...(options.includes("ro")
      ? [
          failing(
            `mount ${point}`,
            "is mounted read-only",
            "nothing can be recorded, so nothing launches: remount it",
          ),
        ]
      : []),
    network === null
      ? ok(`${dataDir}: file system`, "is local")
      : failing(
          `${dataDir}: file system`,
          `is ${network}`,
          "SQLite needs a local one: move it, change data_dir",
        ),
    bytes < fullBytes
      ? failing(`${dataDir}: room`, free, makeRoom)
      : bytes < lowBytes || share < lowShare
        ? warning(`${dataDir}: room`, free, makeRoom)
        : ok(`${dataDir}: room`, free),
  ]
}

function checkDatabase(path: string, steps: Parameters<typeof missingSteps>[1]): Finding[] {
  if (!existsSync(path)) return [failing(path, "does not exist", "run init_dbs as the account")]
  const damage = whyDamaged(path)
  if (damage !== null)
    return [failing(path, damage, "put a backup back: backup_dbs --restore (docs/backup.md)")]
  const missing = missingSteps(path, steps)
  const list = missing.map((name) => `"${name}"`).join(", ")
  return [
    ok(path, "is whole (integrity check)"),
    missing.length === 0
      ? ok(`${path}: schema`, "is up to date")
      : warning(`${path}: schema`, `lacks ${list}`, "run init_dbs as the account"),
  ]
}

/** What enforcement did while the log took nothing; the next line that is written brings it in. */
function checkAuditLog({ config, lateLines }: DataDeps): Finding[] {
  const { auditLog } = config.paths
  const waiting = lateLines()
  if (waiting === 0) return [ok(auditLog, "has every line")]
  return [
    failing(
      auditLog,
      `lacks ${plural(waiting, "line")} that could not be written`,
      "see its disk, owner and mode; then run usage_cron, which writes them",
    ),
  ]
}

function checkBackup({ config, clock }: DataDeps): Finding[] {
  const directory = defaultBackupDirectory(config.paths)
  const [newest] = listBackups(directory)
  if (newest === undefined)
    return [warning(directory, "holds no backup", "run backup_dbs; cron does every night")]
  const age = clock.now() - Date.parse(newest.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"))
  const found = `newest is ${duration(age)} old`
  return [
    age > 2 * msPerDay
      ? warning(directory, found, "see why cron does not run backup_dbs")
      : ok(directory, found),
  ]
}

export function checkBudget({ config, clock }: Pick<DataDeps, "config" | "clock">): Finding[] {
  const { limits, courseBudget } = config
  const what = "[limits] budget"
  const termStartUtcMs = config.course.termStartUtcMs ?? utcMsOf(0)
  return [
    limits.budget === null
      ? failing(what, "is not set", "set it: without one a student can spend for the whole term")
      : ok(what, `${usd(limits.budget)} per user and term`),
    courseBudget === null
      ? warning("[limits] course_budget", "is not set", "set it to bound what all together can spend")
      : ok("[limits] course_budget", usd(courseBudget)),
    ...(termStartUtcMs > clock.now()
      ? [
          warning(
            "[course] term_start",
            `is ${isoUtc(termStartUtcMs).slice(0, 10)}: until then all counts that was ever spent, also in earlier terms`,
            "set it on the day that the term begins",
          ),
        ]
      : []),
  ]
}

/** A mistyped login leaves the one that was meant with everybody's limits. */
export function checkOverrides({ config }: Pick<DataDeps, "config">): Finding[] {
  const { accounts, staff } = config.course
  return Object.keys(config.limitsOfUsers)
    .filter((login) => !matchesGlob([...accounts, ...staff], login))
    .map((login) =>
      warning(
        `[limits.users.${login}]`,
        "is no login of accounts or staff",
        "correct it: so it limits nobody",
      ),
    )
}
