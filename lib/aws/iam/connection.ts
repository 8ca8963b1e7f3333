/** IAM's client, and what its calls have in common. */
import {
  IAMClient,
  type IAMClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from "@aws-sdk/client-iam"
import type { MetadataBearer } from "@smithy/types"
import type { Outcome } from "../outcome.ts"
import {
  type AwsSettings,
  clientOptions,
  outcomeOf,
  type Send,
  sender,
  senders,
} from "../protocol/connection.ts"
import { hasCode } from "../protocol/errors.ts"
import { collectPages } from "../protocol/pages.ts"
import { StrictQueryProtocol } from "../protocol/query_protocol.ts"

export type SendIam = Send<ServiceInputTypes, ServiceOutputTypes, IAMClientResolvedConfig>

export interface IamConnection {
  send: SendIam
  /** For what must not be sent twice: creating. */
  sendOnce: SendIam
}

export function connectIam(settings: AwsSettings): IamConnection {
  return senders((options) =>
    sender(
      "IAM",
      settings,
      new IAMClient({ ...clientOptions(settings, options), protocol: StrictQueryProtocol }),
    ),
  )
}

/** All items of a listing that IAM pages by `Marker`. Throws AwsError (garbled) for a page without its list. */
export function paginateByMarker<
  Page extends { IsTruncated?: boolean | undefined; Marker?: string | undefined },
  Item,
>(
  action: string,
  send: (marker: string | undefined) => Promise<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  return collectPages(action, send, (page) => (page.IsTruncated ? page.Marker : undefined), itemsOf)
}

/** The answer, or null where IAM says NoSuchEntity. Other errors pass. */
export async function nullIfMissing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (hasCode(error, "NoSuchEntity")) return null
    throw error
  }
}

/** The request id of a call that returns nothing else. */
export async function outcomeWhenDone(asked: Promise<MetadataBearer>): Promise<Outcome> {
  return outcomeOf(await asked)
}

/** Like outcomeWhenDone for a deletion: NoSuchEntity counts as done. */
export async function ignoreMissing(asked: Promise<MetadataBearer>): Promise<Outcome> {
  try {
    return outcomeOf(await asked)
  } catch (error) {
    if (hasCode(error, "NoSuchEntity")) return { requestId: error.requestId }
    throw error
  }
}
