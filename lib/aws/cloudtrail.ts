/** What happened to an instance, or in the account, from its event history: 90 days, at most 2 requests a second per region. */

import { CloudTrailClient, type Event, LookupEventsCommand } from "@aws-sdk/client-cloudtrail"
import { utcMsOf } from "../base/time.ts"
import type { InstanceEvent } from "../decisions/usage/events.ts"
import { type AwsSettings, clientOptions, sender } from "./protocol/connection.ts"
import { pages, paginate, required } from "./protocol/pages.ts"
import type { CloudTrail, TrailAct } from "./record_interfaces.ts"

/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html */
const msBetweenRequests = 500
const pageSize = 50
const ofInterest = new Set([
  "RunInstances",
  "StartInstances",
  "StopInstances",
  "TerminateInstances",
  "BidEvictedEvent",
  "ModifyInstanceAttribute",
])

export function openCloudTrail(settings: AwsSettings): CloudTrail {
  const send = sender("CloudTrail", settings, new CloudTrailClient(clientOptions(settings)))
  let nextRequestAt = 0

  /** Waits until the next request may be made. */
  async function turn(): Promise<void> {
    const now = settings.clock.now()
    const mine = Math.max(now, nextRequestAt)
    nextRequestAt = mine + msBetweenRequests
    if (mine > now) await settings.clock.sleep(mine - now, settings.interrupt)
  }

  return {
    async instanceEvents(instanceId, fromUtcMs, toUtcMs) {
      const action = `look up events of ${instanceId}`
      const all = await paginate(
        action,
        async (NextToken) => {
          await turn()
          return send(
            action,
            new LookupEventsCommand({
              LookupAttributes: [{ AttributeKey: "ResourceName", AttributeValue: instanceId }],
              StartTime: new Date(fromUtcMs),
              EndTime: new Date(toUtcMs),
              MaxResults: pageSize,
              NextToken,
            }),
          )
        },
        (page) => page.Events,
      )
      return all
        .filter((event) => ofInterest.has(event.EventName ?? "") && !isFailure(event))
        .map((event) => ({
          name: event.EventName ?? "",
          atUtcMs: utcMsOf(required(action, event.EventTime).getTime()),
          user: whoDid(event),
          eventId: event.EventId ?? "",
          ...circumstances(instanceId, event),
        }))
        .sort((a, b) => b.atUtcMs - a.atUtcMs)
    },

    async *acts(fromUtcMs, toUtcMs) {
      const action = `look up what was done in ${settings.region}`
      for (const [AttributeKey, AttributeValue] of actFilters) {
        const listed = pages(
          action,
          async (NextToken) => {
            await turn()
            return send(
              action,
              new LookupEventsCommand({
                LookupAttributes: [{ AttributeKey, AttributeValue }],
                StartTime: new Date(fromUtcMs),
                EndTime: new Date(toUtcMs),
                MaxResults: pageSize,
                NextToken,
              }),
            )
          },
          (page) => page.NextToken,
        )
        for await (const page of listed)
          yield required(action, page.Events)
            .filter((event) => !isFailure(event))
            .map((event) => actOf(action, settings.region, event))
      }
    },
  }
}

/** CloudTrail counts AssumeRole among what reads. https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html */
const actFilters = [
  ["ReadOnly", "false"],
  ["EventName", "AssumeRole"],
] as const

function actOf(action: string, region: string, event: Event): TrailAct {
  const record = recordOf(event.CloudTrailEvent)
  const user = whoDid(event)
  return {
    eventId: event.EventId ?? "",
    name: event.EventName ?? "",
    source: event.EventSource ?? "",
    region,
    atUtcMs: utcMsOf(required(action, event.EventTime).getTime()),
    user,
    login: record.userIdentity?.sessionContext?.sourceIdentity || user,
    accessKeyId: event.AccessKeyId ?? "",
    sourceIp: record.sourceIPAddress ?? "",
    requestId: record.requestID ?? "",
    clientToken: record.requestParameters?.clientToken ?? "",
    resources: (event.Resources ?? []).flatMap(({ ResourceName }) => ResourceName ?? []),
  }
}

/**
 * The user's name; of a session its role, its name and the source identity, which no later session can change:
 * `assumed-role/cs61c-student/cs61c-aa (source identity cs61c-aa)`.
 */
function whoDid({ Username, CloudTrailEvent }: Event): string {
  const { type, arn = "", sessionContext } = recordOf(CloudTrailEvent).userIdentity ?? {}
  if (type !== "AssumedRole") return Username ?? ""
  const session = arn.split(":").at(-1) || (Username ?? "")
  const source = sessionContext?.sourceIdentity
  return source ? `${session} (source identity ${source})` : session
}

/** The parts of an event's record that are read. */
interface EventRecord {
  userIdentity?: { type?: string; arn?: string; sessionContext?: { sourceIdentity?: string | null } }
  requestParameters?: { hibernate?: boolean; clientToken?: string }
  requestID?: string
  sourceIPAddress?: string
  responseElements?: { instancesSet?: { items?: ChangedInstance[] } }
}
interface ChangedInstance {
  instanceId?: string
  previousState?: { name?: string }
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
function circumstances(
  instanceId: string,
  { CloudTrailEvent }: Event,
): Pick<InstanceEvent, "wasOn" | "hibernates"> {
  const record = recordOf(CloudTrailEvent)
  const changed = record.responseElements?.instancesSet?.items?.find((item) => item.instanceId === instanceId)
  const before = changed?.previousState?.name
  return {
    wasOn: before === undefined ? null : before === "running" || before === "pending",
    hibernates: record.requestParameters?.hibernate === true,
  }
}

function recordOf(text: string | undefined): EventRecord {
  try {
    return (text && JSON.parse(text)) || {}
  } catch {
    return {}
  }
}

/** A refused call is in the history too, and changed nothing. */
function isFailure({ CloudTrailEvent }: Event): boolean {
  try {
    return CloudTrailEvent !== undefined && "errorCode" in JSON.parse(CloudTrailEvent)
  } catch {
    return false
  }
}
