/** What operations take as `deps`, over a workspace's own files and the emulator, with a clock and messages of the test's. */

import { join } from "node:path"
import { openAws } from "../../lib/aws/aws.ts"
import { type Clock, utcMsOf } from "../../lib/base/time.ts"
import { openUsageDb } from "../../lib/db/usage_db.ts"
import { openUsersDb } from "../../lib/db/users_db.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { auditLog } from "../../lib/host/files/audit.ts"
import type { EnforcementDeps } from "../../lib/operations/enforcement/enforce.ts"
import type { FaultPoint, LaunchDeps } from "../../lib/operations/launches/deps.ts"
import type { AwsProxy } from "../emulator/aws_proxy.ts"
import { credentials } from "./emulator.ts"
import type { Workspace } from "./tools.ts"

export interface TestDeps extends LaunchDeps, EnforcementDeps {
  readonly interrupt: AbortSignal
  told: { login: string; subject: string; text: string }[]
  /** The same, called by another. */
  as(login: string): TestDeps
  close(): void
}

export function depsOf(
  course: Pick<Workspace, "configPath">,
  {
    login,
    clock = systemClock,
    at,
    isStaff = false,
  }: { login: string; clock?: Clock; at?: (point: FaultPoint) => void; isStaff?: boolean },
): TestDeps {
  const config = loadConfig(course.configPath)
  const interrupt = new AbortController().signal
  const usersDb = openUsersDb({ path: config.paths.userDb, server: config.database, clock })
  const usageDb = openUsageDb({ path: config.paths.usageDb, server: config.database, clock })
  const aws = openAws(() => ({ ...config.aws, credentials, clock: systemClock, interrupt }))
  const told: TestDeps["told"] = []
  const make = (caller: string): TestDeps => ({
    clock,
    config,
    caller: {
      login: caller,
      isStudent: true,
      isStaff,
      home: "/nonexistent",
      uid: process.getuid?.() ?? -1,
      behindWrapper: false,
      writerFd: null,
    },
    usersDb,
    usageDb,
    audit: auditLog(config.paths.auditLog, clock, {
      chain: () => usageDb.auditRows,
      lateDirectories: [config.paths.dataDir],
      sharesDirectory: join(config.paths.dataDir, "shares"),
    }),
    aws,
    interrupt,
    notifier: {
      async tell(to, subject, text) {
        told.push({ login: to, subject, text })
        return ["mail"]
      },
    },
    told,
    ...(at && { at }),
    as: make,
    close() {
      aws.close()
      usersDb.close()
      usageDb.close()
    },
  })
  return make(login)
}

/** The emulator's time as ours. Sleeping moves it. */
export function clockOf(proxy: AwsProxy): Clock {
  return {
    now: () => utcMsOf(proxy.world.clock.now()),
    sleep: (ms) => proxy.advance(ms),
  }
}
