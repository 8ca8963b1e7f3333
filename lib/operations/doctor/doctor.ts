/** All checks, in the order in which a new installation gets right. */
import { lstatSync } from "node:fs"
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import type { Clock } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { checkAccount } from "./account.ts"
import { type CronDeps, checkCron } from "./cron.ts"
import { checkData } from "./data.ts"
import { attempt, type Finding, failing } from "./finding.ts"
import { checkInstallation } from "./installation.ts"
import { checkServer } from "./server.ts"

export interface DoctorDeps {
  config: Config
  clock: Clock
  /** Reads the account's key when it is asked for. */
  aws(): Aws
  prefix: string
  /** How many users have an identity; throws where users.db cannot be opened. */
  userCount(): number
  /** The looks at the account; throws where usage.db cannot be opened. */
  snapshots(): CronDeps["snapshots"]
  /** Throws where the ledger cannot be opened. */
  usageDb(): UsageDb
  /** How many lines wait for the audit log. */
  lateLines(): number
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
    checkCron({ config, clock, snapshots: deps.snapshots() }),
  )
  const local = [
    ...(await checkInstallation({ prefix, accountUid })),
    ...(await checkData({ config, clock, accountUid, lateLines: deps.lateLines })),
    ...(await checkServer(deps)),
    ...(await cron),
  ]
  if (offline) return local
  const userCount = countedOrNone(deps)
  const remote = await attempt("AWS", "see the network, [aws] and root-access-key", () =>
    checkAccount({ config, aws: deps.aws(), clock, userCount }),
  )
  return [...local, ...remote]
}

/** A database that cannot be opened has a finding of its own already. */
function countedOrNone(deps: DoctorDeps): number {
  try {
    return deps.userCount()
  } catch {
    return 0
  }
}
