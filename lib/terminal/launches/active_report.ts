/** ec2_active's report, as the old tool laid it out, with the end of each lease. */
import { type MicroUsd, toUsd } from "../../base/money.ts"
import { duration, isoUtc, type UtcMs } from "../../base/time.ts"
import type { Active } from "../../operations/launches/active.ts"

export interface ReportTables {
  instances: { header: string[]; rows: string[][] }
  spotRequests: { header: string[]; rows: string[][] }
}

export function activeTables({ instances, spotRequests }: Active, nowUtcMs: UtcMs): ReportTables {
  return {
    instances: {
      header: ["ID", "Type", "Running for", "Public host name", "Security groups", "State", "Lease ends in"],
      rows: instances.map((instance) => {
        const { id, type, state, launchedAtUtcMs, publicDns, publicIp, securityGroups, lease } = instance
        return [
          id,
          type,
          state === "running" || state === "pending" ? duration(nowUtcMs - launchedAtUtcMs) : "-",
          publicDns || publicIp || "-",
          securityGroups.map(({ name }) => name).join(",") || "-",
          state,
          lease ? (lease.endsAtUtcMs > nowUtcMs ? duration(lease.endsAtUtcMs - nowUtcMs) : "ended") : "none",
        ]
      }),
    },
    spotRequests: {
      header: ["ID", "Type", "State", "Requested"],
      rows: spotRequests.map(({ id, instanceType, state, createdAtUtcMs }) => [
        id,
        instanceType,
        state,
        isoUtc(createdAtUtcMs),
      ]),
    },
  }
}

export function activeJson(login: string, { instances, spotRequests }: Active): object {
  return {
    username: login,
    instances: instances.map(({ lease, ...instance }) => ({
      id: instance.id,
      type: instance.type,
      state: instance.state,
      market: instance.market,
      launched: isoUtc(instance.launchedAtUtcMs),
      public_dns: instance.publicDns,
      public_ip: instance.publicIp,
      private_ip: instance.privateIp,
      zone: instance.zone,
      security_groups: instance.securityGroups.map(({ name }) => name),
      hourly_cost: dollars(lease?.microUsdPerHour),
      lease_end: lease ? isoUtc(lease.endsAtUtcMs) : null,
    })),
    spot_requests: spotRequests.map(({ id, instanceType, state, createdAtUtcMs }) => ({
      id,
      type: instanceType,
      state,
      requested: isoUtc(createdAtUtcMs),
    })),
  }
}

function dollars(amount: MicroUsd | undefined): number | null {
  return amount === undefined ? null : toUsd(amount)
}

export const howToEnd = [
  "To terminate instances: ec2-active --terminate ID... (all, with their spot requests: --terminate-all)",
  "To cancel spot requests: ec2-active --cancel-spot-requests",
]
