/** What the commands on clusters print for people, and the JSON of a node. */
import { tagOf } from "../../base/instance.ts"
import { usd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { duration } from "../../base/time.ts"
import type { ClusterSession } from "../../operations/clusters/deps.ts"
import type { ClusterNode } from "../../operations/clusters/nodes.ts"
import type { PricedGroup, Rendered } from "../../operations/clusters/render.ts"
import type { ClusterSummary, NodeStatus } from "../../operations/clusters/status.ts"
import type { StoredVolume } from "../../operations/clusters/storage.ts"
import { usageOf } from "../../operations/clusters/terminate.ts"
import type { ClusterState } from "../../operations/clusters/wait.ts"

/** Columns for `list CLUSTER`: id, type, state, roles, zone, private address, public address, age. */
export function nodeLines(nodes: readonly ClusterNode[], nowUtcMs: number): string[] {
  return nodes.map((node) =>
    [
      node.id,
      node.type,
      node.state,
      node.roles.join(","),
      node.zone,
      node.privateIp || "-",
      node.publicDns || node.publicIp || "-",
      duration(nowUtcMs - node.launchedAtUtcMs),
    ].join("\t"),
  )
}

/** A node as `--json` shows it. */
export function nodeJson(node: ClusterNode) {
  return {
    id: node.id,
    type: node.type,
    state: node.state,
    roles: node.roles,
    market: node.market,
    zone: node.zone,
    private_ip: node.privateIp,
    public_ip: node.publicIp,
    public_dns: node.publicDns,
    launched_at_utc_ms: node.launchedAtUtcMs,
    lease_end: node.tags[tagOf.leaseEnd] ?? null,
  }
}

/** Columns for `list`: name, masters+workers, age, end of the lease or what is stopped, dollars per hour. */
export function clusterLine(cluster: ClusterSummary): string {
  const { name, masters, workers, stopped, ageMs, leaseEnd, hourlyMicroUsd } = cluster
  const until = leaseEnd && `until ${leaseEnd}`
  const state =
    stopped === 0
      ? until
      : stopped === masters + workers
        ? "stopped"
        : `${stopped} stopped, ${until || "the others run"}`
  const cost = hourlyMicroUsd === null ? "" : `${usd(hourlyMicroUsd)} per hour`
  return [name, `${masters}+${workers}`, duration(ageMs), state, cost].join("\t").trimEnd()
}

/** What a confirmation shows: whose nodes, how many, how long they have run, what an hour costs. */
export function usageLines(session: ClusterSession, nodes: readonly ClusterNode[]): string[] {
  const { instanceHours, hourlyMicroUsd } = usageOf(session, nodes)
  const now = session.deps.clock.now()
  const cost = hourlyMicroUsd === null ? "" : `, ${usd(hourlyMicroUsd)} per hour`
  return [
    `Cluster ${session.name} of ${session.deps.login}: ${plural(nodes.length, "instance")}, ${instanceHours.toFixed(1)} instance hours so far${cost}`,
    ...nodes.map(
      ({ id, type, roles, state, launchedAtUtcMs }) =>
        `  ${id} ${type} ${roles.join(",")} ${state} for ${duration(now - launchedAtUtcMs)}`,
    ),
  ]
}

/** A node's columns for `status`: id, roles, state, boot phase, and its host key where it is not verified. */
export function nodeStatusLine({ node, hostKey, boot }: NodeStatus): string {
  const phase = boot
    ? `${boot.phase || "boot"} ${boot.state}${boot.detail ? `: ${boot.detail}` : ""}`
    : "not asked"
  return [
    node.id,
    node.roles.join(","),
    node.state,
    phase,
    hostKey === "verified" ? "" : `host key ${hostKey}`,
  ]
    .join("\t")
    .trimEnd()
}

/** Columns for each service: name, members. */
export function serviceLines(services: ClusterState["services"]): string[] {
  return Object.entries(services).map(
    ([name, { up, members, expected }]) => `${name}\t${up ? `${members} of ${expected}` : "down"}`,
  )
}

/** Columns for `plan`: nodes, roles, dollars per hour; the last line is the sum. */
export function pricedLines(groups: readonly PricedGroup[], hourlyCost: number): string[] {
  return [
    ...groups.map(
      (group) =>
        `${plural(group.count, "node")}\t${group.roles.join(",")}\t$${group.hourlyCost.toFixed(3)}/h`,
    ),
    `together\t\t$${hourlyCost.toFixed(3)}/h`,
  ]
}

/** All that `render` shows. */
export function renderedLines({ securityGroups, requests }: Rendered): string[] {
  return [
    ...securityGroups.flatMap(({ name, open, client }) => [
      `security group ${name}${open ? ": its members reach each other" : ""}`,
      ...client.map(({ fromPort, cidr }) => `  port ${fromPort} from ${cidr}`),
    ]),
    ...requests.flatMap(({ request, userData, userDataBytes }) => [
      "",
      `request ${JSON.stringify(request, null, 2)}`,
      `user data, ${userDataBytes} bytes gzipped:`,
      userData,
    ]),
  ]
}

/** Columns for `list-storage`: role, id, size, device, mount point, state, instance. */
export function clusterStorageLine({ role, id, device, mountPoint, volume }: StoredVolume): string {
  const [size, state, instance] = volume
    ? [`${volume.gib} GiB`, volume.state, volume.attachedTo]
    : ["not yours", "-", ""]
  return [role, id, size, device, mountPoint, state, instance].join("\t").trimEnd()
}
