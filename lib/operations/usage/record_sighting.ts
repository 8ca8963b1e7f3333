/** Writes into the ledger what a listing says about one instance. Inside the caller's transaction. */
import type { Instance } from "../../base/instance.ts"
import type { StoredInterval } from "../../db/usage/intervals.ts"
import type { TrackedInstance } from "../../db/usage/tracked_instances.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { ownerOf, reservationOf } from "../../decisions/launches/owners.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import type { Instant } from "../../decisions/usage/intervals.ts"
import { type Known, missing, type News, type Sighting, seen } from "../../decisions/usage/sightings.ts"

/** An instance, and whether it has a public address that is not an elastic one. */
export type SeenInstance = Instance & { publicIpv4: boolean }

export function recordSeen(db: UsageDb, tariff: Tariff, instance: SeenInstance, sighting: Sighting): void {
  const { ledger } = db
  const before = ledger.instances.get(instance.id)
  const lastRun = ledger.intervals.ofInstance(instance.id).at(-1) ?? null
  const known = before && knownFrom(db, before, lastRun)
  const oldStartUtcMs = before ? null : ledger.old.startOf(instance.id)
  // Known to the old tools, whose table tells the first start.
  const told =
    oldStartUtcMs === null
      ? instance
      : {
          ...instance,
          firstAttachedUtcMs: Math.min(instance.firstAttachedUtcMs ?? oldStartUtcMs, oldStartUtcMs),
        }
  const news = seen(known, told, sighting)
  const after: TrackedInstance = {
    ...(before ?? newcomer(instance)),
    ...{ instanceType: instance.type, zone: instance.zone, usageOperation: instance.usageOperation },
    ...{ state: news.state, publicIpv4: instance.publicIpv4 },
    ...{ launchedAtUtcMs: instance.launchedAtUtcMs, seenUtcMs: sighting.fromUtcMs },
  }
  ledger.instances.put(after)
  record(db, tariff, after, lastRun, news)
}

/** Returns whether anything was concluded: what was launched a moment ago may not be listed yet. */
export function recordMissing(db: UsageDb, tariff: Tariff, instanceId: string, sighting: Sighting): boolean {
  const before = db.ledger.instances.get(instanceId)
  if (!before || before.state === "terminated") return false
  const lastRun = db.ledger.intervals.ofInstance(instanceId).at(-1) ?? null
  const news = missing(knownFrom(db, before, lastRun), before.market === "spot", sighting)
  if (!news) return false
  db.ledger.instances.put({ ...before, state: news.state })
  record(db, tariff, before, lastRun, endedBySwitch(db, instanceId, news))
  return true
}

/** EventBridge acts within the minute. */
const switchMarginMs = 60_000

/**
 * What vanished did not outlive the scheduler's switch that was set for it. Not where an extension was cut off: the switch may have
 * been moved, and nobody noted it.
 */
function endedBySwitch({ leases }: UsageDb, instanceId: string, news: News): News {
  const end = news.lastRun?.end
  const { switchAtUtcMs = null, endsAtUtcMs = 0, announcedEndUtcMs = null } = leases.of(instanceId) ?? {}
  if (!end || switchAtUtcMs === null) return news
  if (switchAtUtcMs < endsAtUtcMs || announcedEndUtcMs !== endsAtUtcMs) return news
  const latestUtcMs = Math.max(end.earliestUtcMs, Math.min(end.latestUtcMs, switchAtUtcMs + switchMarginMs))
  return { ...news, lastRun: { ...news.lastRun, end: { ...end, latestUtcMs } } }
}

function record(
  { ledger }: UsageDb,
  tariff: Tariff,
  instance: TrackedInstance,
  lastRun: StoredInterval | null,
  { lastRun: changes, runs, endedUtcMs }: News,
): void {
  const { instanceId } = instance
  const [first] = runs
  const startUtcMs = lastRun?.start.earliestUtcMs ?? first?.start.earliestUtcMs ?? instance.launchedAtUtcMs
  ledger.old.put({ ...instance, startUtcMs }, instance.seenUtcMs)
  if (lastRun && changes) {
    if (changes.start) ledger.intervals.setStart(lastRun.intervalId, changes.start)
    const run = changes.start ? { ...lastRun, start: changes.start } : lastRun
    if (changes.end !== undefined) ledger.changeEnd(tariff, run, changes.end, changes.endedByEc2 ?? null)
  }
  for (const run of runs)
    ledger.addRun(tariff, { ...instance, ...run, publicIpv4: addressOf(instance, run.end) })
  if (
    lastRun &&
    !lastRun.end &&
    changes?.end === undefined &&
    instance.state === "running" &&
    !lastRun.publicIpv4
  ) {
    ledger.intervals.setPublicIpv4(lastRun.intervalId, instance.publicIpv4)
  }
  const wasEverOff = lastRun?.end || changes?.end || runs.length > 1 || first?.end
  if (wasEverOff) ledger.old.setStops(instanceId, ledger.intervals.ofInstance(instanceId), endedUtcMs)
  if (endedUtcMs !== null || changes?.end === null) ledger.old.setEnd(instanceId, endedUtcMs)
}

/** Only what was seen running has shown whether it has an address. */
function addressOf({ state, publicIpv4 }: TrackedInstance, end: Instant | null): boolean | null {
  return state === "running" && end === null ? publicIpv4 : null
}

function knownFrom({ ledger }: UsageDb, instance: TrackedInstance, lastRun: StoredInterval | null): Known {
  const { instanceId, state, instanceType, launchedAtUtcMs, seenUtcMs, reservationId } = instance
  const endedUtcMs = ledger.old.endOf(instanceId)
  const isOurs = reservationId !== ""
  return { state, instanceType, launchedAtUtcMs, seenUtcMs, isOurs, endedUtcMs, lastRun }
}

function newcomer(instance: SeenInstance): TrackedInstance {
  return {
    ...{
      instanceId: instance.id,
      login: ownerOf(instance),
      instanceType: instance.type,
      market: instance.market,
    },
    ...{ region: instance.region, zone: instance.zone, usageOperation: instance.usageOperation },
    ...{ state: instance.state, keyName: instance.keyName, publicIpv4: instance.publicIpv4 },
    ...{ reservationId: reservationOf(instance) },
    ...{ launchedAtUtcMs: instance.launchedAtUtcMs, seenUtcMs: instance.launchedAtUtcMs },
  }
}
