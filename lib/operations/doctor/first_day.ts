/** A student's first day, played through by dry run as a login that nobody has used: where would it end? */
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import { messageOf, Refused } from "../../base/errors.ts"
import { times, usd } from "../../base/money.ts"
import type { Clock } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { UsersDb } from "../../db/users_db.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { keyNameOf } from "../../decisions/identities/key_name.ts"
import { admit } from "../../decisions/launches/admission.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import type { AuditLog } from "../../host/files/audit.ts"
import { observeIdentity, observeSessionIdentity } from "../identities/observe.ts"
import { requireNotHalted } from "../launches/access.ts"
import type { LaunchDeps } from "../launches/deps.ts"
import { exposureOf, storageAsked } from "../launches/exposure.ts"
import { limitsOf } from "../launches/limits.ts"
import { planLaunch } from "../launches/plan.ts"
import { adviceOn } from "./advice.ts"
import { type Finding, failing, ok, warning } from "./finding.ts"
import { freshLogin } from "./students.ts"

export interface FirstDayDeps {
  config: Config
  clock: Clock
  aws: Aws
  audit: AuditLog
  /** Both may be opened for reading only. */
  usersDb: UsersDb
  usageDb: UsageDb
}

/** `ec2-run` without an option. */
const plainOrder = (login: string): LaunchOrder => ({
  ...{ protocol: 1, image: "", instanceType: "", count: 1, keyName: `${login}-default`, zone: null },
  ...{ placementGroup: null, subnet: null, securityGroups: [], userData: null, spot: false, maxPrice: null },
  ...{ leaseMs: null, rootGib: null, instanceProfile: null, tags: {}, cluster: null, clientToken: null },
  dryRun: true,
})

/** None where `accounts` names nobody, which has a finding of its own. */
export async function checkFirstDay(deps: FirstDayDeps): Promise<Finding[]> {
  const { config, usersDb } = deps
  const login = freshLogin(config, (name) => usersDb.users.get(name) !== null)
  if (login === null) return []
  const what = `first day of ${login}`
  let step = "ec2-util --init"
  try {
    await playInit(deps, login)
    step = "ec2-run"
    const price = await playLaunch(deps, login)
    return [ok(what, `ec2-util --init and ec2-run would work, at ${price}`)]
  } catch (error) {
    const isHalted = error instanceof Refused && [login, config.course.name].includes(error.action)
    const found = `would end at ${step}: ${messageOf(error)}`
    if (isHalted) return [warning(what, found, "course_freeze --lift allows launches again")]
    return [failing(what, found, adviceOn(error, "see docs/install.md"))]
  }
}

async function playInit({ config, aws, usersDb }: FirstDayDeps, login: string): Promise<void> {
  const who = { config, aws, usersDb, login }
  await (credentialModeOf(config, login) === "sessions" ? observeSessionIdentity(who) : observeIdentity(who))
}

/** Returns the price of an hour. */
async function playLaunch(deps: FirstDayDeps, login: string): Promise<string> {
  const asStudent = launchDepsOf(deps, login)
  const { config, clock, usageDb } = asStudent
  requireNotHalted(asStudent, login)
  const order = plainOrder(login)
  const { rates, worst } = await planLaunch(asStudent, order)
  const nowUtcMs = clock.now()
  const own = { instances: [], listedAtUtcMs: nowUtcMs, orphans: new Map() }
  const storage = storageAsked(asStudent, order.count, rates.storageMicroUsdPerHour)
  const admission = admit(
    exposureOf({ ...asStudent, usageDb }, login, own, nowUtcMs),
    { verb: "asked", count: order.count, microUsdPerHour: rates.microUsdPerHour, worst, storage },
    limitsOf(asStudent, login),
    config.courseBudget,
  )
  if (!admission.allow) throw new Refused("launch", admission.because)
  return `${usd(times(order.count, rates.microUsdPerHour))}/h`
}

/** As after `--init`: with a key. Nothing that is looked up is kept. */
function launchDepsOf(deps: FirstDayDeps, login: string): LaunchDeps {
  const { usersDb, usageDb } = deps
  const key = { name: keyNameOf(login, "default"), privateKey: null, publicKey: null, fingerprint: "" }
  return {
    ...deps,
    caller: {
      ...{ login, uid: -1, isStudent: true, isStaff: false, home: "/nonexistent" },
      ...{ behindWrapper: false, writerFd: null },
    },
    usersDb: {
      ...usersDb,
      accessKeys: { ...usersDb.accessKeys, ofUser: () => [{ id: "", secret: "" }] },
      sshKeys: { ...usersDb.sshKeys, get: () => key, ofUser: () => [key] },
    },
    usageDb: {
      ...usageDb,
      lookups: { ...usageDb.lookups, set: () => {} },
      transaction: (work) => work(),
    },
  }
}
