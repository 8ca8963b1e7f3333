/** A client's own token: asking twice launches once, and gets the first answer again. */

import { createHash } from "node:crypto"
import { AwsError } from "../../aws/protocol/errors.ts"
import { Failed, type ToolError } from "../../base/errors.ts"
import { total } from "../../base/money.ts"
import type { ClientToken } from "../../db/launches/client_tokens.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import type { LaunchDeps } from "./deps.ts"
import type { Launched } from "./launched.ts"
import { settleReservations } from "./settle.ts"

/** The launch that the caller's token stands for already; null where there is none, or it came to nothing. */
export async function replayOf(
  deps: LaunchDeps,
  order: LaunchOrder,
): Promise<Omit<Launched, "notes"> | null> {
  if (order.clientToken === null || order.dryRun) return null
  const { usageDb } = deps
  const known = knownAs(deps, order.clientToken)
  if (!known) return null
  if (known.requestDigest !== digestOf(order)) throw mismatch(order.clientToken)
  let reservation = usageDb.reservations.byId(known.reservationId)
  if (reservation?.state === "pending" && usageDb.presence.orphans([reservation]).length > 0) {
    await settleReservations(deps)
    reservation = usageDb.reservations.byId(known.reservationId)
  }
  if (!reservation || reservation.state === "released") return null
  if (reservation.state === "pending") {
    throw new Failed("launch", "the same request is still under way; ask again in a minute")
  }
  const leases = usageDb.leases.ofReservation(reservation.id)
  const ids = leases.map(({ instanceId }) => instanceId)
  const found = ids.length > 0 ? await (await deps.aws.ec2(reservation.region)).instances({ ids }) : []
  const byId = new Map(found.map((instance) => [instance.id, instance]))
  const missing = ids.filter((id) => !byId.has(id))
  if (missing.length > 0)
    throw new Failed("launch", `made before by the same token, and gone: ${missing.join(" ")}`)
  return {
    instances: ids.flatMap((id) => byId.get(id) ?? []),
    microUsdPerHour: total(leases.map(({ microUsdPerHour }) => microUsdPerHour)),
    worst: reservation.worstMicroUsd,
    leaseEndsAtUtcMs: reservation.leaseEndsAtUtcMs,
    left: null,
  }
}

/** The same question again, inside the admission's transaction: two may have asked at once. */
export function requireTokenFree(deps: LaunchDeps, { clientToken, dryRun }: LaunchOrder): void {
  if (clientToken === null || dryRun) return
  const known = knownAs(deps, clientToken)
  if (!known || deps.usageDb.reservations.byId(known.reservationId)?.state === "released") return
  throw new Failed("launch", "the same request is under way; ask again in a minute")
}

function knownAs({ usageDb, caller, config }: LaunchDeps, token: string): ClientToken | null {
  return usageDb.clientTokens.get(caller.login, token, config.course.termStartUtcMs)
}

/** What has to be the same for a request to be the same. */
export function digestOf({ userData, clientToken: _, dryRun: __, ...order }: LaunchOrder): string {
  const hash = createHash("sha256").update(JSON.stringify(order))
  if (userData) hash.update(userData)
  return hash.digest("hex")
}

export function mismatch(token: string): ToolError {
  return new AwsError(
    "launch",
    `the client token ${JSON.stringify(token)} was used for another request`,
    "IdempotentParameterMismatch",
    false,
    "",
  )
}
