/** The lazy composition root: what an operation may need, opened at first use; a test replaces a field. */
import { join } from "node:path"
import { type AwsSettings, openAws } from "./aws/aws.ts"
import type { ClusterEc2 } from "./aws/clusters/cluster_interfaces.ts"
import type { Aws } from "./aws/interfaces.ts"
import type { Config } from "./base/config.ts"
import type { Clock } from "./base/time.ts"
import { openUsageDb, type UsageDb } from "./db/usage_db.ts"
import { openUsersDb, type UsersDb } from "./db/users_db.ts"
import { type Caller, findCaller } from "./host/caller/caller.ts"
import { requireWrapperIfClaimed } from "./host/caller/caller_wrapper.ts"
import { lockWaiting, slotDirectories } from "./host/caller/lock_waiting.ts"
import { sharedClock } from "./host/clock.ts"
import { configPath, loadConfig } from "./host/config/config.ts"
import { readRootAccessKey } from "./host/config/root_access_key.ts"
import { type AuditLog, auditLog } from "./host/files/audit.ts"
import { type HomeFiles, openHome } from "./host/home/home.ts"
import { type Notifier, notifier } from "./host/people/notifier.ts"
import type { LockWaiting } from "./host/processes/lock_wait.ts"

export interface Context {
  readonly tool: string
  readonly clock: Clock
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly interrupt: AbortSignal
  /** Aborted by the second one. */
  readonly abandon: AbortSignal
  /** EC2_WRAPPERS_DEBUG=1, never behind the wrapper. */
  readonly debug: boolean
  readonly config: Config
  readonly caller: Caller
  readonly audit: AuditLog
  /** How this process waits for locks: staff and enforcement before students. */
  readonly waiting: LockWaiting
  readonly usersDb: UsersDb
  readonly usageDb: UsageDb
  /** Both databases as they were when the disk became full, for reading: what is written to them is lost. SQLite only. */
  readonly usageDbInMemory: UsageDb
  readonly usersDbInMemory: UsersDb
  readonly aws: Aws
  readonly notifier: Notifier
  /** EC2 with the caller's own credentials, for tools that run with the caller's own rights. */
  readonly ownEc2: (region: string) => Promise<ClusterEc2>
  /** $EMR_HADOOP_USER: the login on a cluster's master. */
  readonly emrUser: string
  /** The caller's home. */
  readonly home: HomeFiles
  /** Closes what was opened. */
  close(): void
}

/**
 * `abandon` cuts off requests to AWS that are under way; `interrupt` only keeps new waiting from beginning. `say` is told what
 * will take a while.
 */
export function openContext(
  tool: string,
  interrupt: AbortSignal,
  abandon = interrupt,
  say?: (line: string) => void,
): Context {
  const closers: (() => void)[] = []
  const closed = <T extends { close(): void }>(thing: T): T => {
    closers.push(() => thing.close())
    return thing
  }
  /** What AWS changed for this run, by the request's id. */
  const changes = new Map<string, string>()
  const shared = sharedClock()
  return lazy<Context>({
    tool: () => tool,
    clock: () => shared,
    interrupt: () => interrupt,
    abandon: () => abandon,
    debug: () => process.env.EC2_WRAPPERS_DEBUG === "1" && process.env.EC2_WRAPPERS_HOME_FD === undefined,
    config: () => {
      const config = loadConfig(configPath())
      requireWrapperIfClaimed(config.paths.dataDir)
      return config
    },
    caller: (context) => findCaller(context.config.course),
    audit: (context) => {
      const { clock, waiting } = context
      const { paths } = context.config
      return auditLog(paths.auditLog, clock, {
        chain: () => context.usageDb.auditRows,
        waiting,
        lateDirectories: [paths.dataDir, ...slotDirectories(paths).slice(1)],
        sharesDirectory: join(paths.dataDir, "shares"),
        ...(say ? { say } : {}),
      })
    },
    usersDb: ({ config, clock, waiting }) =>
      closed(
        openUsersDb({
          path: config.paths.userDb,
          server: config.database,
          clock,
          heard: shared.follow,
          waiting,
        }),
      ),
    usageDb: ({ config, clock, waiting }) =>
      closed(
        openUsageDb({
          path: config.paths.usageDb,
          server: config.database,
          clock,
          heard: shared.follow,
          say,
          waiting,
        }),
      ),
    usageDbInMemory: ({ config, clock, waiting }) =>
      closed(openUsageDb({ path: config.paths.usageDb, clock, waiting, inMemory: true })),
    usersDbInMemory: ({ config, clock, waiting }) =>
      closed(openUsersDb({ path: config.paths.userDb, clock, waiting, inMemory: true })),
    waiting: ({ config, caller }) => lockWaiting(config, caller),
    aws: ({ config, clock }) =>
      closed(
        openAws(() => ({
          ...awsSettings(config, clock, abandon),
          noteChange: (asked, requestId) => void changes.set(requestId, asked),
        })),
      ),
    ownEc2:
      ({ config, clock, home }) =>
      async (region) => {
        const own = { ...config.aws, region, credentials: "default" as const, clock, interrupt: abandon }
        return (await import("./aws/clusters/own_ec2.ts")).openOwnEc2({
          settings: { ...own, ...ownProfile(config.course.name, home) },
          next: courseProfile(config.course.name, home),
          say: (line) => say?.(line),
        })
      },
    emrUser: () => process.env.EMR_HADOOP_USER || "hadoop",
    notifier: () => notifier(),
    home: ({ caller }) => openHome(caller),
    close: (context) => () => {
      recordChanges(context, changes)
      for (const close of closers) close()
    },
  })
}

/** What no line of the audit log has named yet, in one line: for `audit verify --cloudtrail`, which would call it unexplained. */
function recordChanges(context: Context, changes: ReadonlyMap<string, string>): void {
  if (changes.size === 0) return
  const { audit, caller } = context
  const unnamed = audit.unnamed([...changes.keys()])
  if (unnamed.length === 0) return
  const asked = unnamed.map((id) => `${changes.get(id)} (request ${id})`).join(", ")
  audit.record(caller.login, `asked AWS too: ${asked}`, "regardless")
}

/** What the environment names, else the course's profile. */
function ownProfile(course: string, home: HomeFiles): Pick<AwsSettings, "profile"> {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SHARED_CREDENTIALS_FILE } = process.env
  if (AWS_PROFILE || AWS_ACCESS_KEY_ID || AWS_SHARED_CREDENTIALS_FILE) return {}
  return courseProfile(course, home)
}

/**
 * The profile that `ec2_util --init` named after the course, with an access key in one file or `credential_process` in the other; where
 * there is none, the SDK's chain.
 */
function courseProfile(course: string, home: HomeFiles): Pick<AwsSettings, "profile"> {
  const names = (path: string, header: string) =>
    (home.read(path) ?? "").split("\n").some((line) => line.trim() === header)
  return names(".aws/credentials", `[${course}]`) || names(".aws/config", `[profile ${course}]`)
    ? { profile: course }
    : {}
}

function awsSettings({ aws, paths }: Config, clock: Clock, abandon: AbortSignal): AwsSettings {
  return {
    ...aws,
    credentials: aws.credentials === "default" ? "default" : readRootAccessKey(paths.rootAccessKey),
    clock,
    interrupt: abandon,
  }
}

/** An object whose fields are computed when they are first read. */
function lazy<T extends object>(fields: { [K in keyof T]: (object: T) => T[K] }): T {
  const object = {} as T
  for (const key of Object.keys(fields) as (keyof T)[]) {
    Object.defineProperty(object, key, {
      configurable: true,
      enumerable: true,
      get() {
        const value = fields[key](object)
        Object.defineProperty(object, key, { value, enumerable: true })
        return value
      },
    })
  }
  return object
}
