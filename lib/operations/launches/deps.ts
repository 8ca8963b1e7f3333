/** What launching, restarting and extending work with. */
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import type { Clock } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import type { UsersDb } from "../../db/users_db.ts"
import type { Caller } from "../../host/caller/caller.ts"
import type { AuditLog } from "../../host/files/audit.ts"

/** Where a launch can die; tests kill the process at each. */
export const faultPoints = [
  "before admission",
  "in admission",
  "reserved",
  "intent written",
  "sent",
  "launched",
  "in settling",
  "settled",
  "scheduled",
  "outcome written",
] as const

/** Where one can die that EC2 had no room for at first. */
export const fallbackPoints = ["refused", "sent again"] as const

export type FaultPoint = (typeof faultPoints | typeof fallbackPoints)[number]

export interface LaunchDeps {
  readonly clock: Clock
  readonly config: Config
  readonly caller: Caller
  readonly usersDb: UsersDb
  readonly usageDb: UsageDb
  readonly audit: AuditLog
  readonly aws: Aws
  /** Only tests have it: nothing outside the process can set it. */
  readonly at?: (point: FaultPoint) => void
}

/** What the tools for students never do without: who may do what to whom is decided by these two. */
export type LedgerDeps = Pick<LaunchDeps, "clock" | "config" | "usageDb" | "usersDb" | "aws" | "audit">
