/** From what is asked to what would be launched: every rule of policy applied, everything named found, and priced. */

import type { LaunchRequest } from "../../aws/interfaces.ts"
import { Refused } from "../../base/errors.ts"
import { type Image, tagOf } from "../../base/instance.ts"
import { leastOf, type MicroUsd, noMicroUsd, times, total } from "../../base/money.ts"
import { duration, isoUtc, later, type UtcMs } from "../../base/time.ts"
import type { Lease } from "../../db/enforcement/leases.ts"
import type { TypesAsked } from "../../decisions/launches/capacity.ts"
import { whyNoCloudInit } from "../../decisions/launches/image_boot.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import {
  blockDevicesOf,
  isBurstable,
  objectionToBilling,
  objectionToPlacementGroup,
  objectionToProfile,
  objectionToTags,
  objectionToZone,
} from "../../decisions/launches/launch_policy.ts"
import { withoutTimer, withShutdownTimer } from "../../decisions/launches/user_data.ts"
import { leaseTerms, type Rates, startingCost } from "../../decisions/launches/worst_case.ts"
import { priceOf, publicIpv4MicroUsdPerHour, volumePriceOf } from "../../decisions/pricing/prices.ts"
import { requireAccess } from "./access.ts"
import { allowedTypes, type Candidate, candidatesOf, dearestOf, zonesOf } from "./candidates.ts"
import type { LaunchDeps } from "./deps.ts"
import { imageNameOf, type Network, refuse, resolveImage, resolveNetwork } from "./launch_lookups.ts"

export interface LaunchPlan {
  /** All but the token and the tags that name the reservation. */
  request: Omit<LaunchRequest, "clientToken">
  /** As it was asked for: limits may list it by that name. */
  image: string
  /** The types that are tried, in this order, each with its own price. */
  candidates: Candidate[]
  /** Where each is tried, in this order. Null: EC2 chooses. */
  zones: (string | null)[]
  /** Of the dearest candidate. */
  rates: Rates
  /** Of all that is asked, at the dearest. */
  worst: MicroUsd
  leaseEndsAtUtcMs: UtcMs
  /** Worth saying to the caller. */
  notes: string[]
}

/** Throws Refused or UsageError for the first rule that is broken; what needs no answer of AWS is judged first. */
export async function planLaunch(deps: LaunchDeps, order: LaunchOrder): Promise<LaunchPlan> {
  const { config, clock } = deps
  const allowed = allowedBy(deps, order)
  const found = await findNamed(deps, order)
  const nowUtcMs = clock.now()
  const candidates = await candidatesOf(deps, allowed.types, found.image, (instanceType) =>
    priceOfLaunch(deps, order, instanceType, found, nowUtcMs),
  )
  const [first] = candidates as [Candidate]
  const rates = dearestOf(candidates)
  const leaseEndsAtUtcMs = later(nowUtcMs, allowed.leaseMs)
  const time = { leaseEndsAtUtcMs, graceMs: terminationGraceMs(config) }
  const noCloudInit = whyNoCloudInit(found.image, found.imageName, config.launch.withoutCloudInit)
  const timed =
    noCloudInit === null ? withShutdownTimer(order.userData, time) : withoutTimer(order.userData, noCloudInit)
  return {
    request: {
      imageId: found.image.id,
      instanceType: first.instanceType,
      count: order.count,
      keyName: allowed.keyName,
      zone: order.zone,
      placementGroup: order.placementGroup,
      subnetId: found.network.subnetId,
      securityGroupIds: found.network.securityGroupIds,
      userData: timed.bytes.length > 0 ? Buffer.from(timed.bytes).toString("base64") : null,
      blockDevices: found.blockDevices,
      spotMaxMicroUsdPerHour: first.spotMax,
      instanceProfile: order.instanceProfile,
      standardCredits: isBurstable(first.instanceType),
      shutdownBehavior: "terminate",
      tags: tagsOf(deps, order, leaseEndsAtUtcMs),
    },
    image: found.imageName,
    candidates,
    zones: await zonesOf(deps, order),
    rates,
    worst: worstCaseOf(deps, order, rates, leaseEndsAtUtcMs),
    leaseEndsAtUtcMs,
    notes: [
      ...found.network.notes,
      ...(timed.because === null ? [] : [`no shutdown timer on the instance: ${timed.because}`]),
    ],
  }
}

/** The same launch with fewer types to try, reserved at the dearest of these. */
export function narrowedTo(
  deps: LaunchDeps,
  order: LaunchOrder,
  plan: LaunchPlan,
  candidates: Candidate[],
): LaunchPlan {
  if (candidates.length === plan.candidates.length) return plan
  const [{ instanceType, spotMax }] = candidates as [Candidate]
  const rates = dearestOf(candidates)
  const standardCredits = isBurstable(instanceType)
  return {
    ...plan,
    request: { ...plan.request, instanceType, spotMaxMicroUsdPerHour: spotMax, standardCredits },
    candidates,
    rates,
    worst: worstCaseOf(deps, order, rates, plan.leaseEndsAtUtcMs),
  }
}

/** The most that all of a launch may cost, at these rates. */
export function worstCaseOf(
  { config, clock }: LaunchDeps,
  { count }: LaunchOrder,
  rates: Rates,
  leaseEndsAtUtcMs: UtcMs,
): MicroUsd {
  return times(count, startingCost(rates, leaseEndsAtUtcMs, clock.now(), leaseTerms(config)))
}

/** The rules that need nothing of AWS, and what follows from them and the config's defaults. */
function allowedBy(
  deps: LaunchDeps,
  order: LaunchOrder,
): { keyName: string; types: TypesAsked; leaseMs: number } {
  const { config, caller } = deps
  const keyName = requireAccess(deps, order.keyName)
  const types = allowedTypes(deps, order)
  if (order.zone) refuse("zone", objectionToZone(order.zone, config.aws.region))
  refuse("tag", objectionToTags(order.tags))
  const { placementGroup, instanceProfile } = order
  if (placementGroup)
    refuse("placement group", objectionToPlacementGroup(placementGroup, caller.login, config.launch))
  if (instanceProfile) refuse("instance profile", objectionToProfile(instanceProfile, config.launch))
  return { keyName, types, leaseMs: leaseOf(deps, order) }
}

interface Found {
  imageName: string
  image: Image
  blockDevices: LaunchRequest["blockDevices"]
  network: Network
}

/** What the order names, as AWS knows it, and held against the rules. */
async function findNamed(deps: LaunchDeps, order: LaunchOrder): Promise<Found> {
  const { config } = deps
  const imageName = imageNameOf(config, order.image)
  const image = await resolveImage(deps, imageName)
  refuse("image", objectionToBilling(image, config.billing))
  const volumes = blockDevicesOf(image, order.rootGib, config.launch.maxRootGib)
  if ("objection" in volumes) throw new Refused("volumes", volumes.objection)
  return { imageName, image, blockDevices: volumes.blockDevices, network: await resolveNetwork(deps, order) }
}

/** What one instance costs by part; `spotMax`: the most that is bid per hour, null on demand. Throws Refused without a price. */
function priceOfLaunch(
  { config, usageDb }: LaunchDeps,
  order: LaunchOrder,
  instanceType: string,
  { image, blockDevices, network }: Found,
  atUtcMs: UtcMs,
): { rates: Rates; spotMax: MicroUsd | null } {
  const { region } = config.aws
  const { usageOperation } = image
  const offer = { instanceType, region, usageOperation, market: "on-demand" as const, atUtcMs }
  const onDemand = priceOf(usageDb.prices.tariff(config).book, offer)
  if (onDemand === null) {
    const operation = image.platform === "" ? "" : ` with ${image.platform}`
    throw new Refused(
      "price",
      `none is known for ${instanceType}${operation} in ${region}; staff can set prices.on_demand or refresh them`,
    )
  }
  const spotMax = order.spot ? leastOf(order.maxPrice ?? onDemand, onDemand) : null
  const storage = blockDevices.map(
    ({ type, gib }) =>
      volumePriceOf({ type, gib, iops: 0, throughput: 0 }, region, usageDb.prices.storage()) ?? noMicroUsd,
  )
  const rates: Rates = {
    usageOperation,
    microUsdPerHour: spotMax ?? onDemand,
    storageMicroUsdPerHour: total(storage),
    addressMicroUsdPerHour: network.publicAddress ? publicIpv4MicroUsdPerHour : noMicroUsd,
  }
  return { rates, spotMax }
}

/** Where enforcement stops instances, schedules and timers, which terminate, give it time to be first. */
function terminationGraceMs({ leases }: LaunchDeps["config"]): number {
  return leases.action === "stop" ? leases.enforcementMs : 0
}

/**
 * When the scheduler is to terminate an instance: a stopped one that may be kept, at its second deadline. Null without
 * `leases.scheduler_role`.
 */
export function scheduledTerminationOf(
  config: LaunchDeps["config"],
  { endsAtUtcMs, stoppedAtUtcMs }: Pick<Lease, "endsAtUtcMs" | "stoppedAtUtcMs">,
): UtcMs | null {
  const { action, stoppedMs, schedulerRole } = config.leases
  if (schedulerRole === null) return null
  const keptMs = action === "stop" && stoppedAtUtcMs !== null ? stoppedMs : 0
  return later(endsAtUtcMs, keptMs + terminationGraceMs(config))
}

function leaseOf({ config: { leases } }: LaunchDeps, { leaseMs }: LaunchOrder): number {
  const wanted = leaseMs ?? Math.min(leases.defaultMs, leases.maxMs)
  if (wanted > leases.maxMs) {
    throw new Refused("lease", `${duration(wanted)} is asked, at most ${duration(leases.maxMs)} are given`)
  }
  return wanted
}

function tagsOf(
  { caller, config }: LaunchDeps,
  { tags, cluster }: LaunchOrder,
  leaseEndsAtUtcMs: UtcMs,
): Record<string, string> {
  return {
    ...tags,
    ...config.launch.tags,
    ...(cluster && {
      [tagOf.cluster]: cluster.name,
      [tagOf.clusterRoles]: cluster.roles.join(","),
    }),
    [tagOf.owner]: caller.login,
    [tagOf.course]: config.course.name,
    [tagOf.leaseEnd]: isoUtc(leaseEndsAtUtcMs),
  }
}
