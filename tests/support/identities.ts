/** Identities in a test: the real adapters on an emulator, a real database and home, and what a look at them shows. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { openAws } from "../../lib/aws/aws.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { auditLog } from "../../lib/host/files/audit.ts"
import { openHome } from "../../lib/host/home/home.ts"
import type { IdentityDeps } from "../../lib/operations/identities/deps.ts"
import {
  type DenialDeps,
  endSessionsOf,
  writeDenials,
} from "../../lib/operations/identities/session_denials.ts"
import { type SetupOptions, type SetupReport, setUp } from "../../lib/operations/identities/setup.ts"
import { settingsFor } from "./aws_settings.ts"
import { usageDbAt, usersDbAt } from "./databases.ts"
import type { Emulator } from "./emulator.ts"
import { type Workspace, workspace } from "./tools.ts"

export interface IdentityWorld {
  course: Workspace
  /** For one login; `changes` replace parts. */
  deps(login: string, changes?: Partial<IdentityDeps>): IdentityDeps
  denialDeps(): DenialDeps
  setUp(options?: SetupOptions): Promise<SetupReport>
  close(): void
}

/** A course with its databases and its IAM group. */
export async function identityWorld(
  emulator: Emulator,
  config: Parameters<Workspace["configure"]>[0] = {},
): Promise<IdentityWorld> {
  const course = workspace({ endpoint: emulator.endpoint, config })
  const usersDb = usersDbAt({ path: join(course.dataDir, "users.db"), clock: systemClock, create: true })
  const usageDb = usageDbAt({ path: join(course.dataDir, "usage.db"), clock: systemClock, create: true })
  const aws = openAws(() => settingsFor(emulator.endpoint))
  const deps = (login: string, changes: Partial<IdentityDeps> = {}): IdentityDeps => ({
    config: loadConfig(course.configPath),
    clock: systemClock,
    interrupt: new AbortController().signal,
    audit: auditLog(join(course.dataDir, "audit-log"), systemClock, { chain: () => usageDb.auditRows }),
    usersDb,
    aws,
    login,
    actor: login,
    home: openHome({ home: course.home(login), writerFd: null }),
    sessions: {
      end: (of) => endSessionsOf(denialDeps(), of),
      deny: async () => void (await writeDenials(denialDeps(), login)),
    },
    suspension: () => null,
    progress: () => {},
    ...changes,
  })
  const denialDeps = (): DenialDeps => ({ ...deps("cs61c"), usageDb })
  const world: IdentityWorld = {
    course,
    deps,
    denialDeps,
    setUp: (options = { dryRun: false, removeOthers: false }) =>
      setUp(
        {
          ...deps("cs61c"),
          writeDenials: () => writeDenials(denialDeps(), "cs61c"),
          planMark: async () => ({ actions: [], notes: [] }),
        },
        options,
      ),
    close() {
      usersDb.close()
      usageDb.close()
      aws.close()
      course.remove()
    },
  }
  await world.setUp()
  return world
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
