/** All checks, in the order in which a new installation gets right. */
import { lstatSync } from "node:fs"
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import type { Clock } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { checkAccount } from "./account.ts"
import { type CronDeps, checkCron, checkEnforcement } from "./cron.ts"
import { checkBudget, checkData, checkOverrides } from "./data.ts"
import { attempt, type Finding, failing, ok, warning } from "./finding.ts"
import { checkHalts } from "./halts.ts"
import { checkInstallation } from "./installation.ts"
import { checkLogins } from "./logins.ts"
import { checkProtection } from "./protection.ts"
import { checkServer } from "./server.ts"

export interface DoctorDeps {
  config: Config
  clock: Clock
  /** Reads the account's key when it is asked for. */
  aws(): Aws
  prefix: string
  /** Who has an identity; throws where users.db cannot be opened. */
  recordedLogins(): string[]
  /** As name services list them; null where they cannot be asked. */
  listedLogins(): string[] | null
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
    ...checkLogins({ ...deps, recordedLogins: () => recordedOrNone(deps) }),
    ...(await cron),
    ...(await attempt("freezes", "run init_dbs as the account", () =>
      checkHalts({ config, usageDb: deps.usageDb() }),
    )),
  ]
  if (offline) return local
  const userCount = recordedOrNone(deps).length
  const remote = await attempt("AWS", "see the network, [aws] and root-access-key", () =>
    checkAccount({ config, aws: deps.aws(), clock, userCount }),
  )
  const leases = await attempt("protected instances", "see the network, [aws] and root-access-key", () =>
    checkProtection({ aws: deps.aws(), leases: deps.usageDb().leases.open(null) }),
  )
  return [...local, ...remote, ...leases]
}

/** Judges a config that is not in use yet, by itself: nothing of the installation and nothing at AWS is asked. */
export function examineConfig(config: Config, clock: Clock): Finding[] {
  const { image, instanceType } = config.launch
  const defaults = [...(image === "" ? ["image"] : []), ...(instanceType === "" ? ["instance_type"] : [])]
  return [
    ...checkBudget({ config, clock }),
    ...checkOverrides({ config }),
    ...checkEnforcement({ config }),
    defaults.length === 0
      ? ok("[launch]", "names an image and a type")
      : warning(
          "[launch]",
          `names no ${defaults.join(" and no ")}`,
          "set it, or every launch has to name its own",
        ),
  ]
}

/** A database that cannot be opened has a finding of its own already. */
function recordedOrNone(deps: DoctorDeps): string[] {
  try {
    return deps.recordedLogins()
  } catch {
    return []
  }
}
