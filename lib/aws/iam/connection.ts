/** IAM's client, and what its calls have in common. */
import {
  IAMClient,
  type IAMClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from "@aws-sdk/client-iam"
import type { MetadataBearer } from "@smithy/types"
import type { Outcome } from "../interfaces.ts"
import {
  type Ask,
  type AwsSettings,
  askers,
  asking,
  clientOptions,
  outcomeOf,
} from "../protocol/connection.ts"
import { hasCode } from "../protocol/errors.ts"
import { listing } from "../protocol/pages.ts"
import { StrictQueryProtocol } from "../protocol/query_protocol.ts"

export type AskIam = Ask<ServiceInputTypes, ServiceOutputTypes, IAMClientResolvedConfig>

export interface IamConnection {
  ask: AskIam
  /** For what must not be sent twice: creating. */
  askOnce: AskIam
}

export function connectIam(settings: AwsSettings): IamConnection {
  return askers((options) =>
    asking(
      "IAM",
      settings,
      new IAMClient({ ...clientOptions(settings, options), protocol: StrictQueryProtocol }),
    ),
  )
}

/** All items of a listing by markers. */
export function marked<Page extends { IsTruncated?: boolean | undefined; Marker?: string | undefined }, Item>(
  action: string,
  ask: (marker: string | undefined) => Promise<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  return listing(action, ask, (page) => (page.IsTruncated ? page.Marker : undefined), itemsOf)
}

/** The answer, or null where IAM knows no such thing. */
export async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (hasCode(error, "NoSuchEntity")) return null
    throw error
  }
}

export async function done(asked: Promise<MetadataBearer>): Promise<Outcome> {
  return outcomeOf(await asked)
}

/** Gone is what was wanted. */
export async function gone(asked: Promise<MetadataBearer>): Promise<Outcome> {
  try {
    return outcomeOf(await asked)
  } catch (error) {
    if (hasCode(error, "NoSuchEntity")) return { requestId: error.requestId }
    throw error
  }
}
