/** A launch's admission: what is held plus what is asked is held against the limits, and what is asked is reserved. */
import { Refused } from "../../base/errors.ts"
import type { NewReservation } from "../../db/launches/reservations.ts"
import { admit, type Headroom } from "../../decisions/launches/admission.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import { ownProcess } from "../../host/processes/process_identity.ts"
import { requireNotHalted } from "./access.ts"
import { digestOf, requireTokenFree } from "./client_token.ts"
import type { LaunchDeps } from "./deps.ts"
import { exposureOf, storageAsked } from "./exposure.ts"
import { limitsOf } from "./limits.ts"
import type { OwnInstances } from "./own_instances.ts"
import type { LaunchPlan } from "./plan.ts"
import { settleOwn } from "./settle.ts"

/** What an admission of `login` reads, for the transaction that it runs in. */
export function admissionReads(
  deps: LaunchDeps,
  login: string,
  own: OwnInstances,
  order?: LaunchOrder,
): () => void {
  return () => {
    requireNotHalted(deps, login)
    if (order) {
      requireTokenFree(deps, order)
      deps.usageDb.auditRows.head()
    }
    limitsOf(deps, login)
    settleOwn(deps, login, own)
    exposureOf(deps, login, { ...own, instances: [] }, deps.clock.now())
  }
}

/** Inside an immediate transaction: nothing of anybody else comes in between. Throws Refused with the arithmetic. */
export function reserveLaunch(
  deps: LaunchDeps,
  order: LaunchOrder,
  plan: LaunchPlan,
  own: OwnInstances,
  id: string,
): { reservation: NewReservation; left: Headroom } {
  const { usageDb, config, caller, clock } = deps
  const { login } = caller
  const nowUtcMs = clock.now()
  requireNotHalted(deps, login)
  requireTokenFree(deps, order)
  settleOwn(deps, login, own)
  const { request, rates, worst, leaseEndsAtUtcMs } = plan
  const storage = storageAsked(deps, request.count, rates.storageMicroUsdPerHour)
  const admission = admit(
    exposureOf(deps, login, own, nowUtcMs),
    { verb: "asked", count: request.count, microUsdPerHour: rates.microUsdPerHour, worst, storage },
    limitsOf(deps, login),
    config.courseBudget,
  )
  if (!admission.allow) throw new Refused("launch", admission.because, admission.hint)
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
  return { reservation, left: admission.left }
}
