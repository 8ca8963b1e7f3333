/** Everything that runs or is stopped now, whoever launched it: by AWS's listing, or the ledger's where a region does not answer. */
import { messageOf } from "../../base/errors.ts"
import { hasEnded, type Instance, type InstanceState, type Market } from "../../base/instance.ts"
import { type MicroUsd, minus } from "../../base/money.ts"
import { earliestOf, type UtcMs } from "../../base/time.ts"
import type { Lease } from "../../db/enforcement/leases.ts"
import type { TrackedInstance } from "../../db/usage/tracked_instances.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { ownerOf, reservationIdOf } from "../../decisions/launches/owners.ts"
import {
  add,
  type Bounds,
  costOfAddress,
  costOfRun,
  nothing,
  type Tariff,
} from "../../decisions/pricing/costs.ts"
import { priceOf } from "../../decisions/pricing/prices.ts"
import { exactly, type Run } from "../../decisions/usage/runs.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { type Halts, haltsNow } from "../launches/halts.ts"
import { budgetOf } from "./budgets.ts"
import { termOf } from "./query.ts"
import { totals } from "./totals.ts"

/**
 * `leased`: launched through us, and ends with its lease. `orphan`: launched through us, without a lease; cron gives it one.
 * `stranger`: somebody launched it elsewhere; nobody ends it.
 */
export type InstanceKind = "leased" | "orphan" | "stranger"

export interface RunningInstance {
  id: string
  type: string
  region: string
  market: Market
  state: InstanceState
  kind: InstanceKind
  /** "" is nobody's. */
  owner: string
  keyName: string
  /** The last start. */
  sinceUtcMs: UtcMs
  /** The lease's end; null without a lease. */
  untilUtcMs: UtcMs | null
  /** Null: no price is known. */
  microUsdPerHour: MicroUsd | null
  /** All its runs and its address, without its volumes; null where a price is not known. */
  cost: Bounds | null
}

export interface OwnerBudget {
  spent: Bounds
  /** Null: none. */
  budget: MicroUsd | null
  /** Negative where more was spent. */
  left: MicroUsd | null
}

export interface RunningNow {
  instances: RunningInstance[]
  /** Of each owner of an instance. */
  budgets: Map<string, OwnerBudget>
  course: OwnerBudget
  halts: Halts
  /** Why a region is shown as the ledger last knew it. */
  notes: string[]
}

/** What is known of an instance from either side. */
interface Seen
  extends Pick<
    RunningInstance,
    "id" | "type" | "region" | "market" | "state" | "owner" | "keyName" | "sinceUtcMs"
  > {
  zone: string
  usageOperation: string
  reservationId: string
}

/** `login`: only this one's; null: everybody's. Reads only. */
export async function runningNow(deps: LedgerDeps, login: string | null): Promise<RunningNow> {
  const { usageDb, config, clock } = deps
  const { seen, notes } = await seenNow(deps)
  const nowUtcMs = clock.now()
  const tariff = usageDb.prices.tariff(config)
  const instances = judged(usageDb, tariff, seen, login, nowUtcMs)
  const spent = totals(usageDb, tariff, termOf(config.course, nowUtcMs), nowUtcMs)
  const balanceOf = (cost: Bounds, budget: MicroUsd | null): OwnerBudget => ({
    spent: cost,
    budget,
    left: budget === null ? null : minus(budget, cost.highest),
  })
  const owners = new Set(instances.map(({ owner }) => owner))
  const courseSpent = [...spent].filter(([owner]) => owner !== "").map(([, cost]) => cost)
  return {
    instances,
    budgets: new Map(
      [...owners].map((owner) => [
        owner,
        balanceOf(spent.get(owner) ?? nothing, budgetOf({ config, usageDb, nowUtcMs }, owner)),
      ]),
    ),
    course: balanceOf(courseSpent.reduce(add, nothing), config.courseBudget),
    halts: haltsNow(deps, login),
    notes,
  }
}

/** The same instances as the ledger last knew them, without asking AWS. */
export function runningInLedger(
  usageDb: UsageDb,
  tariff: Tariff,
  login: string | null,
  nowUtcMs: UtcMs,
): RunningInstance[] {
  const tracked = usageDb.ledger.openInstances(login).map(fromLedger)
  const known = new Set(tracked.map(({ id }) => id))
  const unseen = usageDb.leases.open(login).filter(({ instanceId }) => !known.has(instanceId))
  return judged(usageDb, tariff, [...tracked, ...unseen.map(fromLease)], login, nowUtcMs)
}

/** Each with its lease, its price and what it has cost. */
function judged(
  usageDb: UsageDb,
  tariff: Tariff,
  seen: readonly Seen[],
  login: string | null,
  nowUtcMs: UtcMs,
): RunningInstance[] {
  const leases = new Map(usageDb.leases.open(login).map((lease) => [lease.instanceId, lease]))
  const wanted = seen.filter(({ owner }) => login === null || owner === login)
  return wanted.map((instance): RunningInstance => {
    const { id, type, region, market, state, owner, keyName, sinceUtcMs, reservationId } = instance
    const lease = leases.get(id) ?? null
    const offer = { ...instance, instanceType: type, atUtcMs: nowUtcMs }
    return {
      ...{ id, type, region, market, state, owner, keyName, sinceUtcMs },
      kind: lease ? "leased" : reservationId === "" ? "stranger" : "orphan",
      untilUtcMs: lease?.endsAtUtcMs ?? null,
      microUsdPerHour: lease?.microUsdPerHour ?? priceOf(tariff.book, offer),
      cost: costUntilNow(usageDb, tariff, instance, nowUtcMs),
    }
  })
}

function costUntilNow(usageDb: UsageDb, tariff: Tariff, instance: Seen, nowUtcMs: UtcMs): Bounds | null {
  const known = usageDb.ledger.runs.ofInstance(instance.id)
  const runs = known.length > 0 ? known : isCharged(instance) ? [unrecordedRun(instance, nowUtcMs)] : []
  let sum: Bounds = nothing
  for (const run of runs) {
    const cost = costOfRun(tariff, run, nowUtcMs)
    if (cost === null) return null
    sum = add(add(sum, cost), costOfAddress(tariff, run, nowUtcMs))
  }
  return sum
}

async function seenNow(deps: LedgerDeps): Promise<{ seen: Seen[]; notes: string[] }> {
  const { usageDb, config, aws } = deps
  const tracked = usageDb.ledger.openInstances(null)
  const trackedById = new Map(tracked.map((instance) => [instance.instanceId, instance]))
  const leased = usageDb.leases.open(null)
  const regions = new Set([...config.aws.regions, ...leased.map(({ region }) => region)])
  const seen: Seen[] = []
  const notes: string[] = []
  for (const region of regions) {
    try {
      const ec2 = await aws.ec2(region)
      for await (const page of ec2.instancePages())
        for (const instance of page)
          if (!hasEnded(instance)) seen.push(fromListing(instance, trackedById.get(instance.id)))
    } catch (error) {
      const ofRegion = tracked.filter((instance) => instance.region === region).map(fromLedger)
      const known = new Set(ofRegion.map(({ id }) => id))
      const unseen = leased.filter((lease) => lease.region === region && !known.has(lease.instanceId))
      seen.push(...ofRegion, ...unseen.map(fromLease))
      notes.push(`${region} as last recorded, EC2 does not answer: ${messageOf(error)}`)
    }
  }
  return { seen, notes }
}

/** Terminated instances lose their tags gradually, and a key can be anybody's: the ledger remembers whose it is. */
function fromListing(instance: Instance, known: TrackedInstance | undefined): Seen {
  const { id, type, region, zone, market, state, keyName, usageOperation, launchedAtUtcMs } = instance
  return {
    ...{ id, type, region, zone, market, state, keyName, usageOperation },
    owner: known?.login || ownerOf(instance),
    sinceUtcMs: launchedAtUtcMs,
    reservationId: known?.reservationId || reservationIdOf(instance),
  }
}

function fromLedger(instance: TrackedInstance): Seen {
  const { instanceId: id, instanceType: type, login: owner, launchedAtUtcMs: sinceUtcMs } = instance
  const { region, zone, market, state, keyName, usageOperation, reservationId } = instance
  return { id, type, owner, sinceUtcMs, region, zone, market, state, keyName, usageOperation, reservationId }
}

function fromLease(lease: Lease): Seen {
  const { instanceId: id, instanceType: type, login: owner, runStartedAtUtcMs: sinceUtcMs } = lease
  const { region, market, keyName, usageOperation, reservationId, stoppedAtUtcMs } = lease
  const state = stoppedAtUtcMs === null ? "running" : "stopped"
  return {
    id,
    type,
    owner,
    sinceUtcMs,
    region,
    zone: "",
    market,
    state,
    keyName,
    usageOperation,
    reservationId,
  }
}

/** What AWS shows and no snapshot has recorded yet. */
function unrecordedRun(instance: Seen, nowUtcMs: UtcMs): Run {
  const { id: instanceId, owner: login, type: instanceType, market, region, zone, usageOperation } = instance
  return {
    ...{ instanceId, login, instanceType, market, region, zone, usageOperation },
    start: exactly(earliestOf(instance.sinceUtcMs, nowUtcMs), "observed"),
    end: null,
    publicIpv4: null,
    seenUtcMs: nowUtcMs,
    endedByEc2: null,
  }
}

/** Whether it is charged for by the hour now. */
export function isCharged({ state }: { state: InstanceState }): boolean {
  return state === "pending" || state === "running"
}
