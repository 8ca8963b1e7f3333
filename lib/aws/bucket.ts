/** S3: objects that stay as they were written, in a bucket with Object Lock or of another account. */
import {
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3"
import { type UtcMs, utcMsOf } from "../base/time.ts"
import { type AwsSettings, clientOptions, outcomeOf, sender } from "./protocol/connection.ts"
import { hasCode } from "./protocol/errors.ts"
import { collectPages, required } from "./protocol/pages.ts"
import type { Bucket, BucketPlace } from "./record_interfaces.ts"

/** `owner`: AWS refuses every request where the bucket belongs to anybody else. */
export function openBucket(settings: AwsSettings, { bucket, region, owner }: BucketPlace): Bucket {
  const client = new S3Client({
    ...clientOptions({ ...settings, region }),
    // An emulator has no host name for each bucket.
    forcePathStyle: settings.endpoint !== null,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    followRegionRedirects: false,
    disableS3ExpressSessionAuth: true,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
  })
  // What is done to objects is not in CloudTrail's event history.
  const send = sender("S3", { ...settings, noteChange: () => {} }, client)
  const place = { Bucket: bucket, ...(owner === null ? {} : { ExpectedBucketOwner: owner }) }
  return {
    async putOnce(key, text, lockedUntilUtcMs) {
      const lock =
        lockedUntilUtcMs === null
          ? {}
          : {
              ObjectLockMode: "COMPLIANCE" as const,
              ObjectLockRetainUntilDate: new Date(lockedUntilUtcMs),
            }
      const ChecksumSHA256 = new Bun.CryptoHasher("sha256").update(text).digest("base64")
      try {
        return outcomeOf(
          await send(
            `store ${key} in ${bucket}`,
            new PutObjectCommand({
              ...place,
              Key: key,
              Body: text,
              IfNoneMatch: "*",
              ChecksumAlgorithm: "SHA256",
              ChecksumSHA256,
              ...lock,
            }),
          ),
        )
      } catch (error) {
        // Another host was first. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        if (hasCode(error, "PreconditionFailed")) return { requestId: error.requestId }
        throw error
      }
    },

    async versions(prefix) {
      const action = `list ${bucket}`
      const all = await collectPages(
        action,
        (marker) => {
          const [KeyMarker, VersionIdMarker] = marker === undefined ? [] : (JSON.parse(marker) as string[])
          return send(
            action,
            new ListObjectVersionsCommand({ ...place, Prefix: prefix, KeyMarker, VersionIdMarker }),
          )
        },
        ({ IsTruncated, NextKeyMarker, NextVersionIdMarker }) =>
          IsTruncated ? JSON.stringify([NextKeyMarker, NextVersionIdMarker]) : undefined,
        ({ Versions }) => Versions ?? [],
      )
      return all.map(({ Key, VersionId, LastModified }) => ({
        key: required(action, Key),
        versionId: VersionId ?? "null",
        storedUtcMs: utcMsOf(required(action, LastModified).getTime()),
      }))
    },

    async compliantUntil(key, versionId): Promise<UtcMs | null> {
      const { ObjectLockMode, ObjectLockRetainUntilDate } = await send(
        `read the lock of ${key} in ${bucket}`,
        new HeadObjectCommand({ ...place, Key: key, VersionId: versionId }),
      )
      const isLocked = ObjectLockMode === "COMPLIANCE" && ObjectLockRetainUntilDate
      return isLocked ? utcMsOf(ObjectLockRetainUntilDate.getTime()) : null
    },

    async hasObjectLock() {
      try {
        const { ObjectLockConfiguration } = await send(
          `read the lock of ${bucket}`,
          new GetObjectLockConfigurationCommand(place),
        )
        return ObjectLockConfiguration?.ObjectLockEnabled === "Enabled"
      } catch (error) {
        if (hasCode(error, "ObjectLockConfigurationNotFoundError")) return false
        throw error
      }
    },
  }
}
