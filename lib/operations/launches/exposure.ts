/** What a user holds and has used, as an admission sees it. All of it is read inside the admission's transaction. */

import type { Instance } from "../../base/instance.ts"
import { type MicroUsd, noMicroUsd, plus, times, total } from "../../base/money.ts"
import { msPerMinute, type UtcMs } from "../../base/time.ts"
import type { Lease } from "../../db/enforcement/leases.ts"
import { countedStorage, type Exposure, type Holding } from "../../decisions/launches/admission.ts"
import { reservationIdOf } from "../../decisions/launches/owners.ts"
import { visibleAfterMs } from "../../decisions/launches/settlement.ts"
import { leaseTerms, remainingCost, volumesAhead } from "../../decisions/launches/worst_case.ts"
import { offerOf, priceOf, volumePriceOf } from "../../decisions/pricing/prices.ts"
import { termBegan } from "../../decisions/pricing/term.ts"
import type { LedgerDeps } from "./deps.ts"
import { budgetBegan } from "./limits.ts"
import type { OwnInstances } from "./own_instances.ts"

/** How long EC2 may show as stopped what it has accepted to start. */
export const showsStoppedMs = msPerMinute

/** `except`: an instance that is about to be counted anew, because it is extended or started. */
export function exposureOf(
  deps: LedgerDeps,
  login: string,
  own: OwnInstances,
  nowUtcMs: UtcMs,
  except?: string,
): Exposure {
  const { usageDb, config } = deps
  const terms = leaseTerms(config)
  const tariff = usageDb.prices.tariff(config)
  const listed = new Map(own.instances.map((instance) => [instance.id, instance]))
  const pending = usageDb.reservations.pending(login)
  const counted = new Set(pending.map(({ id }) => id))
  const startedAgain = new Set(pending.map(({ instanceId }) => instanceId))
  const holdings: Holding[] = []
  const loose = usageDb.ledger.flatRates.looseMicroUsdPerHour(login, "own")
  const storage = { all: [loose], counted: [loose] }
  const gp3 = gp3PerGibHour(deps)
  const addStorage = (count: number, each: MicroUsd) => {
    storage.all.push(times(count, each))
    storage.counted.push(times(count, countedStorage(each, gp3)))
  }
  let reserved = volumesAhead(loose)
  for (const { awaited, count, microUsdPerHour, storageMicroUsdPerHour, awaitedWorstMicroUsd } of pending) {
    holdings.push({ state: "launching", count: awaited, microUsdPerHour })
    // volumes by themselves
    if (count === 0) {
      storage.all.push(storageMicroUsdPerHour)
      storage.counted.push(storageMicroUsdPerHour)
    } else addStorage(awaited, storageMicroUsdPerHour)
    reserved = plus(reserved, awaitedWorstMicroUsd)
  }
  const leased = new Set<string>()
  for (const lease of usageDb.leases.open(login)) {
    leased.add(lease.instanceId)
    if (lease.instanceId === except || startedAgain.has(lease.instanceId)) continue
    const isListed = lease.region === config.aws.region
    const state = isListed
      ? stateOf(lease, listed.get(lease.instanceId), own.listedAtUtcMs)
      : // launched before the config named another region
        stateKnown(lease)
    if (!state) continue
    holdings.push({ state, count: 1, microUsdPerHour: lease.microUsdPerHour })
    addStorage(1, lease.storageMicroUsdPerHour)
    const isRunning = state === "running"
    reserved = plus(reserved, remainingCost(lease, { ...lease, isRunning }, nowUtcMs, terms))
  }
  for (const instance of own.instances) {
    const state = shownState(instance)
    if (!state || leased.has(instance.id)) continue
    if (instance.id === except || startedAgain.has(instance.id)) continue
    if (counted.has(reservationIdOf(instance))) continue
    const offer = { ...offerOf(instance), atUtcMs: nowUtcMs }
    holdings.push({ state, count: 1, microUsdPerHour: priceOf(tariff.book, offer) })
  }
  holdings.push(...requestedOnSpot(deps, login, own, nowUtcMs))
  const since = termBegan(config.course, nowUtcMs)
  const isBounded = config.courseBudget !== null
  return {
    holdings,
    storage: {
      microUsdPerHour: total(storage.all),
      countedMicroUsdPerHour: total(storage.counted),
      gp3MicroUsdPerGibHour: gp3,
    },
    spent: usageDb.ledger.spent(tariff, login, budgetBegan(deps, login, nowUtcMs), nowUtcMs).highest,
    reserved,
    courseSpent: isBounded ? usageDb.ledger.spent(tariff, null, since, nowUtcMs).highest : noMicroUsd,
    courseReserved: isBounded
      ? total([
          reserved,
          usageDb.reservations.worstOfOthers(login),
          usageDb.leases.remainingOfOthers(login, nowUtcMs, terms),
          volumesAhead(usageDb.ledger.flatRates.looseMicroUsdPerHour(login, "others")),
        ])
      : noMicroUsd,
  }
}

/** The unit by which storage is counted in GiB. */
export function gp3PerGibHour({ usageDb, config }: LedgerDeps): number {
  const thousand = { type: "gp3", gib: 1000, iops: 0, throughput: 0 }
  const price = volumePriceOf(thousand, config.aws.region, usageDb.prices.storage())
  return (price ?? dearestGp3) / 1000
}

/** US$ × 10⁻⁶ per hour of 1000 GiB, where nothing is known of the region. */
const dearestGp3 = 110_000

/** The storage that `count` instances of these rates ask for. */
export function storageAsked(deps: LedgerDeps, count: number, each: MicroUsd) {
  return {
    microUsdPerHour: times(count, each),
    countedMicroUsdPerHour: times(count, countedStorage(each, gp3PerGibHour(deps))),
  }
}

/** Ours are no requests that pend: these were made with the account's own keys, and one may become an instance at any time. */
function requestedOnSpot(
  { usageDb, config }: LedgerDeps,
  login: string,
  { instances }: OwnInstances,
  nowUtcMs: UtcMs,
): Holding[] {
  const fulfilled = new Set(instances.map(({ spotRequestId }) => spotRequestId))
  const open = usageDb.spotRequests.open(login).filter(({ requestId }) => !fulfilled.has(requestId))
  if (open.length === 0) return []
  const { book } = usageDb.prices.tariff(config)
  const { region } = config.aws
  return open.map(({ instanceType }) => {
    // nobody tells us their maximum; the on-demand price is the usual one
    const offer = {
      instanceType,
      region,
      usageOperation: "",
      market: "on-demand" as const,
      atUtcMs: nowUtcMs,
    }
    return { state: "requested", count: 1, microUsdPerHour: priceOf(book, offer) }
  })
}

/** Null where it is gone: AWS says so, or does not list it although it should be visible by now. */
function stateOf(
  lease: Lease,
  instance: Instance | undefined,
  listedAtUtcMs: UtcMs,
): "running" | "stopped" | null {
  if (instance) {
    const state = shownState(instance)
    // Started since it was listed, or a moment before: a second start must not go by the listing made for the first.
    const isStarting =
      lease.stoppedAtUtcMs === null && lease.runStartedAtUtcMs + showsStoppedMs > listedAtUtcMs
    return state === "stopped" && isStarting ? "running" : state
  }
  if (lease.runStartedAtUtcMs + visibleAfterMs < listedAtUtcMs) return null
  return stateKnown(lease)
}

function stateKnown({ stoppedAtUtcMs }: Lease): "running" | "stopped" {
  return stoppedAtUtcMs === null ? "running" : "stopped"
}

function shownState({ state }: Instance): "running" | "stopped" | null {
  switch (state) {
    case "pending":
    case "running":
    // billed where it hibernates, and never more than that
    case "stopping":
      return "running"
    case "stopped":
      return "stopped"
    default:
      return null
  }
}
