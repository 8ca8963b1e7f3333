/** What ec2_runner answers: the old array of ids, or protocol 2's object. */
import { AwsError } from "../../aws/protocol/errors.ts"
import { messageOf } from "../../base/errors.ts"
import type { FailedReply, LaunchedReply } from "../../base/launch_protocol.ts"
import { type MicroUsd, toUsd } from "../../base/money.ts"
import { isoUtc } from "../../base/time.ts"
import type { Headroom } from "../../decisions/launches/admission.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import type { Launched } from "./launched.ts"

/** Instance ids; with spot the ids of the requests that AWS made, where it says them. */
export function idsReply({ instances }: Launched, { spot }: LaunchOrder): string[] {
  return instances.map(({ id, spotRequestId }) => (spot && spotRequestId !== "" ? spotRequestId : id))
}

export function idsOf({ instances }: Launched): string[] {
  return instances.map(({ id }) => id)
}

export function launchedReply({
  instances,
  microUsdPerHour,
  leaseEndsAtUtcMs,
  worst,
  left,
  notes,
}: Launched): LaunchedReply {
  const isDryRun = instances.length === 0
  return {
    ids: instances.map(({ id }) => id),
    instances: instances.map(({ id, privateIp, privateDns, zone }) => ({
      id,
      private_ip: privateIp,
      private_dns: privateDns,
      zone,
    })),
    hourly_cost: toUsd(microUsdPerHour),
    lease_end: isoUtc(leaseEndsAtUtcMs),
    ...(isDryRun && left && { worst_case: toUsd(worst), left: leftJson(left) }),
    ...(notes.length > 0 && { notes }),
  }
}

export function failedReply(error: unknown): FailedReply {
  const code = error instanceof AwsError ? error.code : error instanceof Error ? error.name : "Failed"
  return { error: { code: code === "ToolError" ? "Failed" : code, message: messageOf(error) } }
}

function leftJson({ hourly, instances, budget, courseBudget }: Headroom): Required<LaunchedReply>["left"] {
  const dollars = (amount: MicroUsd | null) => (amount === null ? null : toUsd(amount))
  return {
    hourly_cost: toUsd(hourly),
    instances,
    budget: dollars(budget),
    course_budget: dollars(courseBudget),
  }
}
