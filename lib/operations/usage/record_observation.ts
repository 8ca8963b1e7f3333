/** Writes into the ledger what a listing says about one instance. Inside the caller's transaction. */

import type { Instance } from "../../base/instance.ts"
import { earliestOf, later, latestOf } from "../../base/time.ts"
import type { StoredRun } from "../../db/usage/runs.ts"
import type { TrackedInstance } from "../../db/usage/tracked_instances.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { ownerOf, reservationIdOf } from "../../decisions/launches/owners.ts"
import type { Tariff } from "../../decisions/pricing/costs.ts"
import {
  concludeAbsence,
  type Findings,
  type Observation,
  observe,
  type PriorState,
} from "../../decisions/usage/observations.ts"
import type { Instant } from "../../decisions/usage/runs.ts"

/** An instance, and whether it has a public address that is not an elastic one. */
export type ObservedInstance = Instance & { publicIpv4: boolean }

export function recordObserved(
  db: UsageDb,
  tariff: Tariff,
  instance: ObservedInstance,
  observation: Observation,
): void {
  const { ledger } = db
  const before = ledger.instances.get(instance.id)
  const lastRun = ledger.runs.ofInstance(instance.id).at(-1) ?? null
  const prior = before && priorStateFrom(db, before, lastRun)
  const oldStartUtcMs = before ? null : ledger.old.startOf(instance.id)
  // Known to the old tools, whose table tells the first start.
  const told =
    oldStartUtcMs === null
      ? instance
      : {
          ...instance,
          firstAttachedUtcMs: earliestOf(instance.firstAttachedUtcMs ?? oldStartUtcMs, oldStartUtcMs),
        }
  const findings = observe(prior, told, observation)
  const after: TrackedInstance = {
    ...(before ?? newcomer(instance)),
    instanceType: instance.type,
    zone: instance.zone,
    usageOperation: instance.usageOperation,
    state: findings.state,
    publicIpv4: instance.publicIpv4,
    launchedAtUtcMs: instance.launchedAtUtcMs,
    seenUtcMs: observation.fromUtcMs,
  }
  ledger.instances.put(after)
  ledger.interfaces.note(instance.interfaceIds, instance.id, after.login)
  record(db, tariff, after, lastRun, findings)
}

/** Returns whether anything was concluded: what was launched a moment ago may not be listed yet. */
export function recordAbsent(
  db: UsageDb,
  tariff: Tariff,
  instanceId: string,
  observation: Observation,
): boolean {
  const before = db.ledger.instances.get(instanceId)
  if (!before || before.state === "terminated") return false
  const lastRun = db.ledger.runs.ofInstance(instanceId).at(-1) ?? null
  const findings = concludeAbsence(priorStateFrom(db, before, lastRun), before.market === "spot", observation)
  if (!findings) return false
  db.ledger.instances.put({ ...before, state: findings.state })
  record(db, tariff, before, lastRun, endedBySchedule(db, instanceId, findings))
  return true
}

/** EventBridge acts within the minute. */
const scheduleMarginMs = 60_000

/**
 * An instance that vanished did not outlive the schedule that terminates it. Nothing is concluded where an extension was cut off:
 * the schedule may have been moved, and nobody noted it.
 */
function endedBySchedule({ leases }: UsageDb, instanceId: string, findings: Findings): Findings {
  const end = findings.lastRun?.end
  const { terminationAtUtcMs = null, endsAtUtcMs = 0, announcedEndUtcMs = null } = leases.of(instanceId) ?? {}
  if (!end || terminationAtUtcMs === null) return findings
  if (terminationAtUtcMs < endsAtUtcMs || announcedEndUtcMs !== endsAtUtcMs) return findings
  const boundUtcMs = earliestOf(end.latestUtcMs, later(terminationAtUtcMs, scheduleMarginMs))
  const latestUtcMs = latestOf(end.earliestUtcMs, boundUtcMs)
  return { ...findings, lastRun: { ...findings.lastRun, end: { ...end, latestUtcMs } } }
}

function record(
  { ledger }: UsageDb,
  tariff: Tariff,
  instance: TrackedInstance,
  lastRun: StoredRun | null,
  { lastRun: changes, runs, endedUtcMs }: Findings,
): void {
  const { instanceId } = instance
  const [first] = runs
  const startUtcMs = lastRun?.start.earliestUtcMs ?? first?.start.earliestUtcMs ?? instance.launchedAtUtcMs
  ledger.old.put({ ...instance, startUtcMs }, instance.seenUtcMs)
  if (lastRun && changes) {
    if (changes.start) ledger.runs.setStart(lastRun.runId, changes.start)
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
    ledger.runs.setPublicIpv4(lastRun.runId, instance.publicIpv4)
  }
  const wasEverOff = lastRun?.end || changes?.end || runs.length > 1 || first?.end
  if (wasEverOff) ledger.old.setStops(instanceId, ledger.runs.ofInstance(instanceId), endedUtcMs)
  if (endedUtcMs !== null || changes?.end === null) ledger.old.setEnd(instanceId, endedUtcMs)
}

/** Only what was seen running has shown whether it has an address. */
function addressOf({ state, publicIpv4 }: TrackedInstance, end: Instant | null): boolean | null {
  return state === "running" && end === null ? publicIpv4 : null
}

function priorStateFrom(
  { ledger }: UsageDb,
  instance: TrackedInstance,
  lastRun: StoredRun | null,
): PriorState {
  const { instanceId, state, instanceType, launchedAtUtcMs, seenUtcMs, reservationId } = instance
  const endedUtcMs = ledger.old.endOf(instanceId)
  const isOurs = reservationId !== ""
  return { state, instanceType, launchedAtUtcMs, seenUtcMs, isOurs, endedUtcMs, lastRun }
}

function newcomer(instance: ObservedInstance): TrackedInstance {
  return {
    instanceId: instance.id,
    login: ownerOf(instance),
    instanceType: instance.type,
    market: instance.market,
    region: instance.region,
    zone: instance.zone,
    usageOperation: instance.usageOperation,
    state: instance.state,
    keyName: instance.keyName,
    publicIpv4: instance.publicIpv4,
    reservationId: reservationIdOf(instance),
    launchedAtUtcMs: instance.launchedAtUtcMs,
    seenUtcMs: instance.launchedAtUtcMs,
  }
}
