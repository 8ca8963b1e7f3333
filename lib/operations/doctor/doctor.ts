/** All checks, in the order in which a new installation gets right. */
import { lstatSync } from "node:fs"
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import type { Clock } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { UsersDb } from "../../db/users_db.ts"
import type { AuditLog } from "../../host/files/audit.ts"
import { checkAccount } from "./account.ts"
import { storeWorkingKey } from "./advice.ts"
import { checkCron, checkEnforcement } from "./cron.ts"
import { checkBudget, checkData, checkOverrides } from "./data.ts"
import { attempt, type Finding, failing } from "./finding.ts"
import { checkFirstDay } from "./first_day.ts"
import { checkFirstShell } from "./first_shell.ts"
import { checkHalts } from "./halts.ts"
import { checkInstallation } from "./installation.ts"
import { checkLogins } from "./logins.ts"
import { checkProtection } from "./protection.ts"
import { checkServer } from "./server.ts"
import { checkAccounts, checkDefaults, checkReadable, checkStarted, type StartedAs } from "./students.ts"

export interface DoctorDeps {
  config: Config
  clock: Clock
  /** Reads the account's key when it is asked for. */
  aws(): Aws
  prefix: string
  /** Both for reading; throw where the database cannot be opened. */
  usersDb(): UsersDb
  /** As name services list them; null where they cannot be asked. */
  listedLogins(): string[] | null
  usageDb(): UsageDb
  audit: AuditLog
  /** What the wrappers were built with; null where it is not known. */
  loginPrefix: string | null
  /** Null where nobody could be tried as. */
  started: StartedAs | null
}

export interface DoctorOptions {
  /** Leaves out what asks AWS. */
  offline: boolean
}

export async function examine(deps: DoctorDeps, { offline }: DoctorOptions): Promise<Finding[]> {
  const { config, clock, prefix } = deps
  const owner = lstatSync(config.paths.dataDir, { throwIfNoEntry: false })
  if (!owner) return [failing(config.paths.dataDir, "does not exist", "run the installer, or init_dbs")]
  const accountUid = owner.uid
  const cron = attempt("cron", "run init_dbs as the account", () =>
    checkCron({ config, clock, snapshots: deps.usageDb().snapshots }),
  )
  const local = [
    ...(await checkInstallation({ prefix, accountUid })),
    ...(await attempt("config", "", () => checkReadable(config))),
    ...checkDefaults(config),
    ...checkAccounts({ config, prefix: deps.loginPrefix, logins: deps.listedLogins() ?? [] }),
    ...checkStarted(deps.started),
    ...(await checkData({ config, clock, accountUid, lateLines: () => deps.audit.late() })),
    ...(await checkServer(deps)),
    ...checkLogins({ ...deps, recordedLogins: () => recordedOrNone(deps) }),
    ...(await cron),
    ...(await attempt("freezes", "run init_dbs as the account", () =>
      checkHalts({ config, usageDb: deps.usageDb() }),
    )),
  ]
  if (offline) return local
  const userCount = recordedOrNone(deps).length
  const remote = await attempt("AWS", storeWorkingKey, () =>
    checkAccount({ config, aws: deps.aws(), clock, userCount, usageDb: deps.usageDb }),
  )
  if (remote.some(({ what, level }) => what === "access key" && level === "error"))
    return [...local, ...remote]
  const shells = await attempt("ssh to instances", "see the network and [aws]", () =>
    checkFirstShell({ config, aws: deps.aws() }),
  )
  const leases = await attempt("protected instances", "run init_dbs as the account", () =>
    checkProtection({ aws: deps.aws(), leases: deps.usageDb().leases.open(null) }),
  )
  const firstDay = await attempt("first day", "run init_dbs as the account", () =>
    checkFirstDay({
      ...{ config, clock, aws: deps.aws(), audit: deps.audit },
      ...{ usersDb: deps.usersDb(), usageDb: deps.usageDb() },
    }),
  )
  return [...local, ...remote, ...shells, ...leases, ...firstDay]
}

/** Judges a config that is not in use yet, by itself: nothing of the installation and nothing at AWS is asked. */
export function examineConfig(config: Config, clock: Clock): Finding[] {
  return [
    ...checkBudget({ config, clock }),
    ...checkOverrides({ config }),
    ...checkEnforcement({ config }),
    ...checkDefaults(config),
    ...checkAccounts({ config, prefix: null, logins: [] }),
  ]
}

/** A database that cannot be opened has a finding of its own already. */
function recordedOrNone(deps: DoctorDeps): string[] {
  try {
    return deps.usersDb().users.logins()
  } catch {
    return []
  }
}
