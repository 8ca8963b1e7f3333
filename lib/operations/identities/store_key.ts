/** Replacing the account's access key, after the new one has shown that it can take the old one's place. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { openAws } from "../../aws/aws.ts"
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { accountOfArn } from "../../decisions/identities/policy_document.ts"
import type { Caller } from "../../host/caller/caller.ts"
import { requireStaff } from "../../host/caller/caller.ts"
import {
  parseRootAccessKey,
  type RootAccessKey,
  readRootAccessKey,
  writeRootAccessKey,
} from "../../host/config/root_access_key.ts"
import type { AuditLog } from "../../host/files/audit.ts"
import { readStdin } from "../../host/people/stdin.ts"
import { withoutEcho } from "../../host/people/terminal_echo.ts"
import { tryExclusiveLock } from "../../host/processes/lock_file.ts"
import { checkPermissions } from "../doctor/account.ts"

export interface StoreKeyDeps {
  config: Config
  clock: Clock
  abandon: AbortSignal
  audit: AuditLog
  caller: Caller
}

export interface StoredKey {
  /** Whose key it is. */
  arn: string
  /** What it may do, in words. */
  rights: string
  /** Whose key was there before; null where there was none. */
  before: string | null
}

const longestKeyBytes = 16 * 1024

/** The key that staff type, paste or pipe in; a terminal does not show it. */
export async function keyOnStdin(clock: Clock): Promise<RootAccessKey> {
  const bytes = await withoutEcho(() =>
    readStdin(clock, { mostBytes: longestKeyBytes, deadlineMs: 10 * 60_000 }),
  )
  return parseRootAccessKey(new TextDecoder().decode(bytes))
}

/**
 * Stores `key` in the place of the account's, by one rename. Throws Refused, and has changed nothing, where it belongs to another AWS
 * account than the old one, or lacks one of the rights that `setup --print-policy` prints: they name this course's users, so that another
 * course's key lacks them. Throws Failed where AWS does not answer, or where the old key does not and so cannot be compared.
 */
export async function storeKey(deps: StoreKeyDeps, key: RootAccessKey): Promise<StoredKey> {
  const { config, audit, caller } = deps
  const { rootAccessKey: path, dataDir } = config.paths
  requireStaff(caller, config.course)
  if (config.aws.credentials === "default")
    throw new Refused(
      "store key",
      '[aws] credentials is "default": no key file is read; set it to "file" first',
    )
  const release = tryExclusiveLock(join(dataDir, "store-key.lock"))
  if (release === null)
    throw new Failed("store key", "another run is storing one; see which key it leaves, then try again")
  try {
    const arn = await withKey(deps, key, arnOf)
    const before = existsSync(path) ? await arnOfOld(deps, path) : null
    if (before !== null && accountOfArn(before).id !== accountOfArn(arn).id) {
      throw new Refused(
        "store key",
        `it is of AWS account ${accountOfArn(arn).id}, the course is in ${accountOfArn(before).id}; nothing was changed`,
      )
    }
    const rights = await withKey(deps, key, (aws) => rightsOf(config, aws, arn))
    audit.record(caller.login, `root access key: store the one of ${arn}, before ${before ?? "none"}`)
    writeRootAccessKey(path, key)
    audit.record(caller.login, `root access key: done: stored the one of ${arn}`)
    return { arn, rights, before }
  } finally {
    release()
  }
}

async function arnOf(aws: Aws): Promise<string> {
  return (await aws.sts()).callerArn()
}

/** Throws Failed where the old key does not say whose it is: its account is what the new one is compared with. */
async function arnOfOld(deps: StoreKeyDeps, path: string): Promise<string> {
  try {
    return await withKey(deps, readRootAccessKey(path), arnOf)
  } catch (error) {
    throw new Failed(
      "store key",
      `the old key does not say of which account it is (${messageOf(error)}); where it is known to be dead, move ${path} away first`,
      { cause: error },
    )
  }
}

async function rightsOf(config: Config, aws: Aws, arn: string): Promise<string> {
  const findings = await checkPermissions({ config }, await aws.iam(), arn)
  const lacking = findings
    .filter(({ level }) => level === "error")
    .map(({ what }) => what.replace("permission ", ""))
  if (lacking.length > 0) {
    throw new Refused(
      "store key",
      `it lacks ${lacking.slice(0, 5).join(", ")}${lacking.length > 5 ? ` and ${lacking.length - 5} more` : ""}; attach what setup --print-policy prints; nothing was changed`,
    )
  }
  const [finding] = findings
  const isRoot = arn.endsWith(":root")
  if (finding === undefined || (finding.level !== "ok" && !isRoot))
    throw new Refused(
      "store key",
      `its rights ${finding?.found ?? "are not known"}; ${finding?.todo ?? ""}; nothing was changed`,
    )
  return isRoot ? "which may do everything, for ever" : `permissions: ${finding.found}`
}

async function withKey<T>(
  { config, clock, abandon }: StoreKeyDeps,
  key: RootAccessKey,
  work: (aws: Aws) => Promise<T>,
): Promise<T> {
  const aws = openAws(() => ({ ...config.aws, credentials: key, clock, interrupt: abandon }))
  try {
    return await work(aws)
  } finally {
    aws.close()
  }
}
