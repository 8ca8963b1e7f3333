/** S3, only to move what one person kept under a login's prefix out of the way of the next. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  S3Client,
} from "@aws-sdk/client-s3"
import type { S3 } from "./objects.ts"
import { type AwsSettings, clientOptions, outcomeOf, sender } from "./protocol/connection.ts"
import { hasCode } from "./protocol/errors.ts"
import { collectPages, required } from "./protocol/pages.ts"

export function openS3(settings: AwsSettings): S3 {
  const client = new S3Client({
    ...clientOptions(settings),
    // An emulator has no host name for each bucket.
    forcePathStyle: settings.endpoint !== null,
  })
  const send = sender("S3", settings, client)
  return {
    async keysUnder(bucket, prefix) {
      const action = `list s3://${bucket}/${prefix}`
      try {
        const objects = await collectPages(
          action,
          (ContinuationToken): Promise<ListObjectsV2CommandOutput> =>
            send(action, new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken })),
          (page) => (page.IsTruncated ? page.NextContinuationToken : undefined),
          // An empty listing has no list.
          (page) => page.Contents ?? [],
        )
        return objects.map(({ Key }) => required(action, Key))
      } catch (error) {
        if (hasCode(error, "NoSuchBucket")) return []
        throw error
      }
    },

    async copy(bucket, from, to) {
      const CopySource = `${bucket}/${from.split("/").map(encodeURIComponent).join("/")}`
      const command = new CopyObjectCommand({ Bucket: bucket, CopySource, Key: to })
      return outcomeOf(await send(`copy s3://${bucket}/${from}`, command))
    },

    async remove(bucket, key) {
      return outcomeOf(
        await send(`delete s3://${bucket}/${key}`, new DeleteObjectCommand({ Bucket: bucket, Key: key })),
      )
    },
  }
}
