/** Stores the head of the audit log's chain where the account's own key cannot change it, and reads what was stored. */
import type { Aws } from "../../aws/interfaces.ts"
import type { Bucket } from "../../aws/record_interfaces.ts"
import type { Config } from "../../base/config.ts"
import { messageOf } from "../../base/errors.ts"
import { type Clock, isoUtc, later, msPerHour } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { anchorKey, anchorOf, anchorPrefix } from "../../decisions/audit/anchor_key.ts"
import type { Anchor } from "../../decisions/audit/chain_check.ts"

export interface AnchorDeps {
  config: Config
  clock: Clock
  aws: Aws
  usageDb: UsageDb
}

/** An outage that is shorter than this is not worth a line of cron's mail: the next head vouches for all rows before it. */
const quietMs = msPerHour

/** `s3://BUCKET`; null where the config names none. */
export function anchorPlace({ audit }: Config): string | null {
  return audit.bucket === null ? null : `s3://${audit.bucket}`
}

/** Stores the head where it has changed. Returns what has kept it from that for an hour, else null. */
export async function anchorHead(deps: AnchorDeps): Promise<string | null> {
  const { config, clock, usageDb } = deps
  const place = anchorPlace(config)
  if (place === null) return null
  const before = usageDb.auditRows.anchored()
  try {
    const head = usageDb.auditRows.head()
    const isKnown = before?.place === place && before.hash === head.hash
    if (head.rowNo === 0 || isKnown) return null
    const bucket = await openedBucket(deps)
    const lockedUntilUtcMs =
      config.audit.bucketOwner === null ? later(clock.now(), config.audit.retainMs) : null
    const text = `${JSON.stringify({ course: config.course.name, row: head.rowNo, sha256: head.hash })}\n`
    await bucket.putOnce(anchorKey(config.course.name, head), text, lockedUntilUtcMs)
    usageDb.transaction(() => usageDb.auditRows.setAnchored({ ...head, place, anchoredAtUtcMs: clock.now() }))
    return null
  } catch (error) {
    if (before && clock.now() - before.anchoredAtUtcMs < quietMs) return null
    const since = before ? ` since ${isoUtc(before.anchoredAtUtcMs)}` : ""
    return `audit log: its head was not stored in ${place}${since}: ${messageOf(error)}`
  }
}

/** The stored heads, and why the bucket that has them proves nothing, where it does not. */
export async function storedHeads(
  deps: Pick<AnchorDeps, "config" | "clock" | "aws">,
): Promise<{ anchors: Anchor[]; worthless: string | null }> {
  const { config, clock } = deps
  const course = config.course.name
  const bucket = await openedBucket(deps)
  const versions = await bucket.versions(anchorPrefix(course))
  const heads = versions.flatMap((version) => {
    const point = anchorOf(course, version.key)
    return point ? [{ ...version, ...point }] : []
  })
  heads.sort((a, b) => a.storedUtcMs - b.storedUtcMs)
  const newest = heads.at(-1)
  return {
    anchors: heads.map(({ rowNo, hash, storedUtcMs }) => ({ rowNo, hash, storedUtcMs })),
    worthless: await whyWorthless(deps, bucket, newest, clock.now()),
  }
}

/** In an own bucket without Object Lock, and in one that only pretends to be another account's, whoever has the key removes what he likes. */
async function whyWorthless(
  { config, aws }: Pick<AnchorDeps, "config" | "aws">,
  bucket: Bucket,
  newest: { key: string; versionId: string } | undefined,
  nowUtcMs: number,
): Promise<string | null> {
  const { bucketOwner } = config.audit
  const place = anchorPlace(config)
  if (bucketOwner !== null) {
    const [, , , , own] = (await (await aws.sts()).callerArn()).split(":")
    return own === bucketOwner ? `bucket_owner ${bucketOwner} is this account itself` : null
  }
  if (!(await bucket.hasObjectLock())) return `${place} has no Object Lock`
  if (!newest) return null
  const untilUtcMs = await bucket.compliantUntil(newest.key, newest.versionId)
  return untilUtcMs !== null && untilUtcMs > nowUtcMs
    ? null
    : `the newest head in ${place} is not locked in compliance mode`
}

function openedBucket({ config, aws }: Pick<AnchorDeps, "config" | "aws">): Promise<Bucket> {
  const { bucket, bucketRegion, bucketOwner } = config.audit
  return aws.bucket({ bucket: bucket ?? "", region: bucketRegion, owner: bucketOwner })
}
