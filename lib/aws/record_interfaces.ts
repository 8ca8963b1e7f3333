/** Records outside these tools' reach: what CloudTrail wrote down, and what a bucket keeps as it was. */
import type { UtcMs } from "../base/time.ts"
import type { InstanceEvent } from "../decisions/usage/events.ts"
import type { Outcome } from "./outcome.ts"

export interface CloudTrail {
  /** Start, stop and termination events of an instance, newest first; at most two requests per second. */
  instanceEvents(
    instanceId: string,
    fromUtcMs: UtcMs,
    toUtcMs: UtcMs,
  ): Promise<(InstanceEvent & { user: string; eventId: string })[]>
  /** All that was done in the region and was not refused, newest first, in pages; reading is left out, taking on a role is not. */
  acts(fromUtcMs: UtcMs, toUtcMs: UtcMs): AsyncIterable<TrailAct[]>
}

/** An act in the account, by CloudTrail. */
export interface TrailAct {
  eventId: string
  /** `RunInstances`. */
  name: string
  /** `ec2.amazonaws.com`. */
  source: string
  region: string
  atUtcMs: UtcMs
  /** A user's name, or a session's role, name and source identity. */
  user: string
  /** The login behind a session, by its source identity; else `user`. */
  login: string
  accessKeyId: string
  sourceIp: string
  /** "" where AWS tells none. */
  requestId: string
  clientToken: string
  /** What it was done to. */
  resources: string[]
}

export interface BucketPlace {
  bucket: string
  region: string
  /** The id of the account that the bucket must belong to; null: any. */
  owner: string | null
}

export interface Bucket {
  /** Does nothing where there is an object of that name. `lockedUntilUtcMs`: in compliance mode. */
  putOnce(key: string, text: string, lockedUntilUtcMs: UtcMs | null): Promise<Outcome>
  /** Every version of every object, also of those that were deleted or written over. */
  versions(prefix: string): Promise<{ key: string; versionId: string; storedUtcMs: UtcMs }[]>
  /** Until when nobody can remove this version; null where it is not locked in compliance mode. */
  compliantUntil(key: string, versionId: string): Promise<UtcMs | null>
  hasObjectLock(): Promise<boolean>
}
