/** AWS as cron sees it over made-up lives: listings with their faults, CloudTrail with its delay, volumes, spot prices. */

import { clockOffset } from "../../../lib/aws/aws.ts"
import type { Aws, Ec2 } from "../../../lib/aws/interfaces.ts"
import type { CloudTrail } from "../../../lib/aws/record_interfaces.ts"
import { Failed } from "../../../lib/base/errors.ts"
import { tagOf, type Volume } from "../../../lib/base/instance.ts"
import { msPerMinute, type UtcMs, utcMsOf } from "../../../lib/base/time.ts"
import type { InstanceEvent } from "../../../lib/decisions/usage/events.ts"
import { type Life, type Rules, shown } from "./history.ts"
import { type Random, seconds } from "./random.ts"

/** What goes wrong in one look. */
export interface Faults {
  listing: "no" | "refused" | "half"
  byId: boolean
  rentals: boolean
  spotPrices: boolean
  trail: boolean
}

export const noFaults: Faults = {
  listing: "no",
  byId: false,
  rentals: false,
  spotPrices: false,
  trail: false,
}

/** The true time, and how far the host's clock is from it. */
export interface Now {
  utcMs: UtcMs
  clockAheadMs: number
  faults: Faults
}

interface TrailEvent extends InstanceEvent {
  user: string
  eventId: string
  /** When it shows up. */
  thereUtcMs: UtcMs
}

export const volumeGib = 8

export function cloudOf(lives: readonly Life[], now: Now, rules: Rules, random: Random): Aws {
  const byId = new Map(lives.map((life) => [life.id, life]))
  const trails = new Map(lives.map((life) => [life.id, eventsOf(life, random)]))
  /** What was launched a moment ago may not be listed yet. */
  const lags = new Map(lives.map(({ id }) => [id, random.chance(0.3) ? seconds(random, 1, 120) : 0]))
  const passes = () => {
    now.utcMs = utcMsOf(now.utcMs + 40)
  }
  const there = () =>
    lives.flatMap((life) => {
      const isListed = (life.runs[0]?.launchUtcMs ?? 0) + (lags.get(life.id) ?? 0) <= now.utcMs
      const instance = isListed ? shown(life, now.utcMs) : null
      return instance ? [instance] : []
    })
  const fail = (what: string) => {
    throw new Failed(what, "EC2 does not answer")
  }
  const ec2: Partial<Ec2> = {
    region: "us-east-1",
    async *instancePages() {
      passes()
      if (now.faults.listing === "refused") fail("describe instances")
      const all = there()
      for (let from = 0; from < all.length; from += 5) {
        passes()
        yield all.slice(from, from + 5)
        if (now.faults.listing === "half") fail("describe instances")
      }
    },
    async instances({ ids, tags, keyNames } = {}) {
      passes()
      if (now.faults.byId) fail("describe instances")
      return there().filter(
        (instance) =>
          (!ids || ids.includes(instance.id)) &&
          Object.entries(tags ?? {}).every(([name, value]) => instance.tags[name] === value) &&
          (!keyNames || keyNames.some((name) => isNamed(instance.keyName, name))),
      )
    },
    async spotRequests() {
      passes()
      return []
    },
    async volumes() {
      passes()
      if (now.faults.rentals) fail("describe volumes")
      return lives.flatMap((life) => volumeOf(life, now.utcMs))
    },
    addresses: async () => [],
    snapshots: async () => [],
    async spotPriceHistory({ instanceTypes: [type = ""], startUtcMs, endUtcMs }) {
      passes()
      if (now.faults.spotPrices) fail("read spot prices")
      const changes = rules.spotPrices[type] ?? []
      const from = changes.findLastIndex(({ fromUtcMs }) => fromUtcMs <= startUtcMs)
      return changes
        .slice(Math.max(0, from))
        .filter(({ fromUtcMs }) => fromUtcMs <= endUtcMs)
        .map((change) => ({ ...change, instanceType: type, zone: "us-east-1a", product: "Linux/UNIX" }))
    },
  }
  const trail: Pick<CloudTrail, "instanceEvents"> = {
    async instanceEvents(instanceId, fromUtcMs, toUtcMs) {
      passes()
      if (now.faults.trail) fail("look up events")
      const events = byId.has(instanceId) ? (trails.get(instanceId) ?? []) : []
      return events
        .filter(
          (event) => event.thereUtcMs <= now.utcMs && event.atUtcMs >= fromUtcMs && event.atUtcMs <= toUtcMs,
        )
        .sort((one, other) => other.atUtcMs - one.atUtcMs)
    },
  }
  return {
    ec2: async () => ec2 as Ec2,
    cloudTrail: async () => trail as CloudTrail,
    clockOffsetMs() {
      const ours = now.utcMs + now.clockAheadMs
      return clockOffset(utcMsOf(Math.floor(now.utcMs / 1000) * 1000), utcMsOf(ours - 40), utcMsOf(ours))
    },
    close() {},
  } as Aws
}

function isNamed(keyName: string, name: string | { beginning: string }): boolean {
  return typeof name === "string" ? keyName === name : keyName.startsWith(name.beginning)
}

/** Its one volume, which goes with it. */
function volumeOf(life: Life, atUtcMs: UtcMs): Volume[] {
  const [first] = life.runs
  const isThere = first && first.launchUtcMs <= atUtcMs && atUtcMs < life.terminatedUtcMs
  if (!isThere) return []
  return [
    {
      ...{ id: life.id.replace("i-", "vol-"), type: "gp3", gib: volumeGib, iops: 3000, throughput: 125 },
      ...{ state: "in-use", zone: life.zone, encrypted: true, createdAtUtcMs: first.launchUtcMs },
      ...{ attachedTo: life.id, deleteOnTermination: true },
      tags: { [tagOf.owner]: life.login, [tagOf.course]: "cs61c" },
    },
  ]
}

/** Most come within five minutes, some later; a shutdown inside leaves none. */
function eventsOf(life: Life, random: Random): TrailEvent[] {
  const events: TrailEvent[] = []
  const add = (name: string, atUtcMs: UtcMs, wasOn: boolean | null, hibernates = false) => {
    const thereUtcMs = atUtcMs + seconds(random, 10, 15 * 60)
    const eventId = `${life.id}-${events.length}`
    events.push({
      name,
      atUtcMs,
      wasOn: random.chance(0.8) ? wasOn : null,
      hibernates,
      user: "",
      eventId,
      thereUtcMs: utcMsOf(thereUtcMs),
    })
  }
  for (const [index, { launchUtcMs, endUtcMs, how }] of life.runs.entries()) {
    add(index === 0 ? "RunInstances" : "StartInstances", launchUtcMs, index === 0 ? null : false)
    if (how === "stop" || how === "hibernate") add("StopInstances", endUtcMs, true, how === "hibernate")
    // To stop what is stopped succeeds, and changes nothing.
    if (how === "shutdown" && random.chance(0.3) && life.terminatedUtcMs > endUtcMs + 10 * msPerMinute)
      add("StopInstances", utcMsOf(endUtcMs + msPerMinute), false)
    if (how === "interrupt") add("BidEvictedEvent", endUtcMs, null)
    if (how === "terminate") add("TerminateInstances", endUtcMs, true)
  }
  const last = life.runs.at(-1)
  if (last && life.terminatedUtcMs > last.endUtcMs && Number.isFinite(life.terminatedUtcMs))
    add("TerminateInstances", life.terminatedUtcMs, false)
  return events.filter(({ atUtcMs }) => Number.isFinite(atUtcMs))
}
