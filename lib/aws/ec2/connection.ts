/** EC2's clients, and how its filters and tags are written. */
import {
  EC2Client,
  type EC2ClientResolvedConfig,
  type Filter,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from "@aws-sdk/client-ec2"
import type { Beginning } from "../interfaces.ts"
import { type AwsSettings, clientOptions, type Send, sender, senders } from "../protocol/connection.ts"
import { StrictEc2Protocol } from "../protocol/query_protocol.ts"

export type SendEc2 = Send<ServiceInputTypes, ServiceOutputTypes, EC2ClientResolvedConfig>

export interface Ec2Connection {
  region: string
  send: SendEc2
  /** For what must not be sent twice: creating key pairs. */
  sendOnce: SendEc2
}

export function connectEc2(settings: AwsSettings): Ec2Connection {
  return {
    region: settings.region,
    ...senders((options) =>
      sender(
        "EC2",
        settings,
        new EC2Client({ ...clientOptions(settings, options), protocol: StrictEc2Protocol }),
      ),
    ),
  }
}

/** How many results a page may have: EC2's most. */
export const pageSize = 1000
/** How many values a filter may have. */
export const filterSize = 200

type Wanted = Record<string, readonly (string | Beginning)[] | undefined>

/**
 * Filters by name, leaving out what does not restrict. EC2 takes `*` and `?` in values for wildcards; here they are themselves, and
 * only a `beginning` leaves its end open.
 */
export function filters(wanted: Wanted, tags: Record<string, string> = {}): Filter[] {
  const byTag = Object.entries(tags).map(([key, value]) => [`tag:${key}`, [value]] as const)
  return [...Object.entries(wanted), ...byTag].flatMap(([Name, values]) =>
    values === undefined ? [] : [{ Name, Values: values.map(filterValue) }],
  )
}

function filterValue(value: string | Beginning): string {
  if (typeof value !== "string") return `${filterValue(value.beginning)}*`
  return value.replace(/[\\*?]/g, "\\$&")
}

/** Whether a filter asks for one of none, which EC2 refuses to be asked. */
export function asksForNothing(wanted: Wanted): boolean {
  return Object.values(wanted).some((values) => values?.length === 0)
}
