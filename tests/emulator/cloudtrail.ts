/** CloudTrail's event history: LookupEvents over what was asked through the proxy (one attribute, 50 a page, 2 requests/s). */
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import type { VirtualClock } from "./clock.ts"
import { AwsFault, type AwsRequest, jsonReply, type Reply, requestId } from "./request.ts"
import type { World } from "./world.ts"

export interface TrailEvent {
  eventId: string
  name: string
  source: string
  atUtcMs: UtcMs
  user: string
  accessKeyId: string
  region: string
  resources: { type: string; name: string }[]
  detail: Record<string, unknown>
}

const eventDays = 90

export class CloudTrailLog {
  #events: TrailEvent[] = []

  constructor(readonly clock: VirtualClock) {}

  reset(): void {
    this.#events = []
  }

  add(event: Omit<TrailEvent, "eventId" | "atUtcMs">): void {
    this.#events.push({ ...event, eventId: requestId(), atUtcMs: utcMsOf(this.clock.now()) })
  }

  /** Newest first. */
  events(region: string): TrailEvent[] {
    const oldest = this.clock.now() - eventDays * 86_400_000
    return this.#events.filter((event) => event.region === region && event.atUtcMs >= oldest).reverse()
  }
}

interface LookupEvents {
  LookupAttributes?: { AttributeKey: string; AttributeValue: string }[]
  StartTime?: number
  EndTime?: number
  MaxResults?: number
  NextToken?: string
}

const attributes: Record<string, (event: TrailEvent, wanted: string) => boolean> = {
  EventId: ({ eventId }, wanted) => eventId === wanted,
  EventName: ({ name }, wanted) => name === wanted,
  EventSource: ({ source }, wanted) => source === wanted,
  Username: ({ user }, wanted) => user === wanted,
  AccessKeyId: ({ accessKeyId }, wanted) => accessKeyId === wanted,
  ResourceType: ({ resources }, wanted) => resources.some(({ type }) => type === wanted),
  ResourceName: ({ resources }, wanted) => resources.some(({ name }) => name === wanted),
  ReadOnly: (_event, wanted) => wanted === "false",
}

const recentLookups = new Map<string, number[]>()

export function lookupEvents(world: World, request: AwsRequest): Reply {
  limitRate(world, request.region)
  const asked = request.json as LookupEvents
  const lookup = asked.LookupAttributes ?? []
  if (lookup.length > 1)
    throw new AwsFault("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
  const [attribute] = lookup
  const matches = attribute && attributes[attribute.AttributeKey]
  if (attribute && !matches)
    throw new AwsFault("InvalidLookupAttributesException", "The lookup attribute is not valid.")
  const pageSize = asked.MaxResults ?? 50
  if (pageSize < 1 || pageSize > 50)
    throw new AwsFault("InvalidMaxResultsException", "MaxResults must be between 1 and 50.")
  const events = world.trail
    .events(request.region)
    .filter((event) => !attribute || matches?.(event, attribute.AttributeValue))
    .filter(
      ({ atUtcMs }) =>
        atUtcMs >= (asked.StartTime ?? 0) * 1000 && atUtcMs <= (asked.EndTime ?? Infinity) * 1000,
    )
  const from = Number(asked.NextToken ?? 0)
  const next = from + pageSize
  return jsonReply({
    Events: events.slice(from, next).map(wireForm),
    ...(next < events.length ? { NextToken: String(next) } : {}),
  })
}

function limitRate(world: World, region: string): void {
  if (!world.knobs.limitCloudTrail) return
  const now = Date.now()
  const recent = (recentLookups.get(region) ?? []).filter((at) => at > now - 1000)
  if (recent.length >= 2) throw new AwsFault("ThrottlingException", "Rate exceeded")
  recentLookups.set(region, [...recent, now])
}

function wireForm(event: TrailEvent) {
  const eventTime = new Date(event.atUtcMs).toISOString().replace(/\.\d+Z$/, "Z")
  return {
    EventId: event.eventId,
    EventName: event.name,
    EventSource: event.source,
    EventTime: Math.floor(event.atUtcMs / 1000),
    ReadOnly: "false",
    Username: event.user,
    AccessKeyId: event.accessKeyId,
    Resources: event.resources.map(({ type, name }) => ({ ResourceType: type, ResourceName: name })),
    CloudTrailEvent: JSON.stringify({
      eventVersion: "1.08",
      eventID: event.eventId,
      eventName: event.name,
      eventSource: event.source,
      eventTime,
      awsRegion: event.region,
      userIdentity: { type: "IAMUser", userName: event.user, accessKeyId: event.accessKeyId },
      ...event.detail,
    }),
  }
}
