/** What may stand around in an account when nobody needs it any more. */
import type { MicroUsd } from "../../base/money.ts"
import type { UtcMs } from "../../base/time.ts"

export type LeftoverKind =
  | "instance"
  | "volume"
  | "snapshot"
  | "image"
  | "address"
  | "interface"
  | "security group"
  | "key pair"
  | "load balancer"
  | "NAT gateway"
  | "log group"
  | "schedule"
  | "IAM user"
  | "IAM role"

export interface Leftover {
  kind: LeftoverKind
  /** "" for IAM, which has none. */
  region: string
  /** By which it is removed: an id, a name or an ARN. */
  id: string
  /** What people know it by, where that is something else; else "". */
  name: string
  /** Null where AWS does not say. */
  createdAtUtcMs: UtcMs | null
  /** What it is attached to or used by; "" where nothing. */
  usedBy: string
  tags: Record<string, string>
  /** Null where no price is known; 0 for what is free. */
  microUsdPerHour: MicroUsd | null
}
