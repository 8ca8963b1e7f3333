/** Identities in a test: the real adapters on an emulator, a real database and home, and what a look at them shows. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { openAws } from "../../lib/aws/aws.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { auditLog } from "../../lib/host/files/audit.ts"
import { openHome } from "../../lib/host/home/home.ts"
import type { IdentityDeps } from "../../lib/operations/identities/deps.ts"
import { setUpGroup } from "../../lib/operations/identities/setup.ts"
import { settingsFor } from "./aws_settings.ts"
import { usersDbAt } from "./databases.ts"
import type { Emulator } from "./emulator.ts"
import { type Workspace, workspace } from "./tools.ts"

export interface IdentityWorld {
  course: Workspace
  /** For one login; `changes` replace parts. */
  deps(login: string, changes?: Partial<IdentityDeps>): IdentityDeps
  close(): void
}

/** A course with its databases and its IAM group. */
export async function identityWorld(
  emulator: Emulator,
  config: Parameters<Workspace["configure"]>[0] = {},
): Promise<IdentityWorld> {
  const course = workspace({ endpoint: emulator.endpoint, config })
  const usersDb = usersDbAt({ path: join(course.dataDir, "users.db"), clock: systemClock, create: true })
  const aws = openAws(() => settingsFor(emulator.endpoint))
  const deps = (login: string, changes: Partial<IdentityDeps> = {}): IdentityDeps => ({
    config: loadConfig(course.configPath),
    clock: systemClock,
    interrupt: new AbortController().signal,
    audit: auditLog(join(course.dataDir, "audit-log"), systemClock),
    usersDb,
    aws,
    login,
    actor: login,
    home: openHome({ home: course.home(login), writerFd: null }),
    suspension: () => null,
    progress: () => {},
    ...changes,
  })
  await setUpGroup(deps("cs61c"), { dryRun: false, removeOthers: false })
  return {
    course,
    deps,
    close() {
      usersDb.close()
      aws.close()
      course.remove()
    },
  }
}

/** Calls since the last look that change something at AWS. */
export function mutations({ proxy }: Emulator): string[] {
  return proxy.calls
    .splice(0)
    .map(({ action }) => action)
    .filter((action) => !/^(Describe|Get|List|Simulate)/.test(action))
}

/** The access key in a home's files, each as it stands there; null where a file is missing. */
export function keysInHome(home: string): Record<string, string | null> {
  const patterns = {
    ".aws/credentials": /aws_access_key_id = (\w+)/,
    ".boto": /aws_access_key_id = (\w+)/,
    ".s3cfg": /access_key = (\w+)/,
    ".aws-creds": /AWSAccessKeyId=(\w+)/,
    "ec2-environment.sh": /AWS_ACCESS_KEY_ID='(\w+)'/,
  }
  return Object.fromEntries(
    Object.entries(patterns).map(([path, pattern]) => {
      const file = join(home, path)
      return [path, existsSync(file) ? (pattern.exec(readFileSync(file, "utf8"))?.[1] ?? "") : null]
    }),
  )
}
