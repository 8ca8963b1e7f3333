/** A launch's admission: what is held plus what is asked is held against the limits, and what is asked is reserved. */
import { Refused } from "../../base/errors.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import { admit, type Headroom } from "../../decisions/launches/admission.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import { objectionToVcpus } from "../../decisions/launches/vcpu_quota.ts"
import { ownProcess } from "../../host/processes/process_identity.ts"
import { requireNotHalted } from "./access.ts"
import { digestOf, requireTokenFree } from "./client_token.ts"
import type { LaunchDeps } from "./deps.ts"
import { exposureOf, storageAsked } from "./exposure.ts"
import { limitsOf } from "./limits.ts"
import type { OwnInstances } from "./own_instances.ts"
import { type LaunchPlan, narrowedTo } from "./plan.ts"
import { settleOwn } from "./settle.ts"
import { type VcpuQuotas, vcpuFacts } from "./vcpu_room.ts"

/** What an admission of `login` reads, for the transaction that it runs in. */
export function admissionReads(
  deps: LaunchDeps,
  login: string,
  own: OwnInstances,
  launch?: { order: LaunchOrder; quotas: VcpuQuotas; types: readonly string[] },
): () => void {
  return () => {
    requireNotHalted(deps, login)
    if (launch) {
      requireTokenFree(deps, launch.order)
      deps.usageDb.auditRows.head()
    }
    limitsOf(deps, login)
    settleOwn(deps, login, own)
    exposureOf(deps, login, { ...own, instances: [] }, deps.clock.now())
    if (launch && launch.quotas.size > 0) vcpuFacts(deps, launch.quotas, launch.types)
  }
}

/** Inside an immediate transaction: nothing of anybody else comes in between. Throws Refused with the arithmetic. */
export function reserveLaunch(
  deps: LaunchDeps,
  order: LaunchOrder,
  { plan: planned, own, id, quotas }: { plan: LaunchPlan; own: OwnInstances; id: string; quotas: VcpuQuotas },
): { reservation: NewReservation; left: Headroom; plan: LaunchPlan } {
  const { usageDb, config, caller, clock } = deps
  const { login } = caller
  const nowUtcMs = clock.now()
  requireNotHalted(deps, login)
  requireTokenFree(deps, order)
  settleOwn(deps, login, own)
  const exposure = exposureOf(deps, login, own, nowUtcMs)
  const admissionOf = ({ request, rates, worst }: LaunchPlan) =>
    admit(
      exposure,
      {
        verb: "asked",
        count: request.count,
        microUsdPerHour: rates.microUsdPerHour,
        worst,
        storage: storageAsked(deps, request.count, rates.storageMicroUsdPerHour),
      },
      limitsOf(deps, login),
      config.courseBudget,
    )
  let plan = withinQuotas(deps, order, planned, quotas)
  let admission = admissionOf(plan)
  const named = plan.candidates.filter(({ isFallback }) => !isFallback)
  // What the course would launch instead may be dearer: it refuses nobody what was asked for.
  if (!admission.allow && named.length > 0 && named.length < plan.candidates.length) {
    plan = narrowedTo(deps, order, plan, named)
    admission = admissionOf(plan)
  }
  if (!admission.allow) throw new Refused("launch", admission.because, admission.hint)
  const { request, rates, worst, leaseEndsAtUtcMs } = plan
  const reservation: NewReservation = {
    id,
    login,
    kind: "launch",
    region: config.aws.region,
    instanceType: request.instanceType,
    market: request.spotMaxMicroUsdPerHour === null ? "on-demand" : "spot",
    keyName: request.keyName,
    image: plan.image,
    count: request.count,
    ...rates,
    worstMicroUsd: worst,
    leaseEndsAtUtcMs,
    instanceId: null,
    process: ownProcess(),
    createdAtUtcMs: nowUtcMs,
  }
  if (!order.dryRun) {
    usageDb.reservations.add(reservation)
    if (order.clientToken !== null) {
      usageDb.clientTokens.set(login, order.clientToken, {
        reservationId: id,
        requestDigest: digestOf(order),
      })
    }
    deps.at?.("in admission")
  }
  return { reservation, left: admission.left, plan }
}

/** Without the types for which the account's quota has no room. Throws Refused where it has none for any. */
function withinQuotas(
  deps: LaunchDeps,
  order: LaunchOrder,
  plan: LaunchPlan,
  quotas: VcpuQuotas,
): LaunchPlan {
  if (quotas.size === 0) return plan
  const types = plan.candidates.map(({ instanceType }) => instanceType)
  const facts = vcpuFacts(deps, quotas, types)
  const market = order.spot ? ("spot" as const) : ("on-demand" as const)
  const objections = plan.candidates.map((candidate) => ({
    candidate,
    objection: objectionToVcpus({ ...candidate, market, count: order.count }, facts),
  }))
  const fitting = objections.filter(({ objection }) => objection === null).map(({ candidate }) => candidate)
  if (fitting.length > 0) return narrowedTo(deps, order, plan, fitting)
  throw new Refused("launch", [...new Set(objections.map(({ objection }) => objection))].join("; "))
}
