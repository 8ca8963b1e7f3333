/** A cluster's nodes: what carries the owner's and the cluster's tag, never what is merely called alike. */
import { Failed } from "../../base/errors.ts"
import { type Instance, tagOf } from "../../base/instance.ts"
import { quoted } from "../../base/text.ts"
import { masterOf } from "../../decisions/clusters/cluster_plan.ts"
import { isMaster, type Role, rolesOfTag } from "../../decisions/clusters/roles.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"

export interface ClusterNode extends Instance {
  cluster: string
  roles: Role[]
}

const liveStates = ["pending", "running", "stopping", "stopped", "shutting-down"] as const

/** The cluster's nodes, masters first; terminated ones only where asked for. */
export function findNodes(
  { deps, name }: ClusterSession,
  { terminated = false } = {},
): Promise<ClusterNode[]> {
  return nodesOf(deps, name, terminated)
}

/** The nodes of all of the caller's clusters that are not terminated, each cluster's masters first. */
export function findAllNodes(deps: ClusterDeps): Promise<ClusterNode[]> {
  return nodesOf(deps, null, false)
}

async function nodesOf(
  deps: ClusterDeps,
  cluster: string | null,
  terminated: boolean,
): Promise<ClusterNode[]> {
  const ec2 = await deps.ec2()
  const instances = await ec2.instances({
    tags: { [tagOf.owner]: deps.login, ...(cluster === null ? {} : { [tagOf.cluster]: cluster }) },
    ...(terminated ? {} : { states: [...liveStates] }),
  })
  return instances
    .filter((instance) => {
      // Once more, since emulators and proxies have been seen to ignore a filter, and what follows may terminate.
      const { [tagOf.owner]: owner, [tagOf.cluster]: name } = instance.tags
      return owner === deps.login && name !== undefined && (cluster === null || name === cluster)
    })
    .map(toNode)
    .sort(byRank)
}

/** An instance with the cluster and the roles that its tags name; "" and none where they name nothing. */
export function toNode(instance: Instance): ClusterNode {
  return {
    ...instance,
    cluster: instance.tags[tagOf.cluster] ?? "",
    roles: rolesOfTag(instance.tags[tagOf.clusterRoles] ?? ""),
  }
}

function byRank(a: ClusterNode, b: ClusterNode): number {
  return (
    a.cluster.localeCompare(b.cluster) ||
    Number(isMaster(b.roles)) - Number(isMaster(a.roles)) ||
    a.launchedAtUtcMs - b.launchedAtUtcMs ||
    a.id.localeCompare(b.id)
  )
}

/** Pending or running. */
export function isUsable(node: ClusterNode): boolean {
  return node.state === "pending" || node.state === "running"
}

/** Stopped, or on its way there: its volumes cost, and it can be started again. */
export function isStopped({ state }: ClusterNode): boolean {
  return state === "stopped" || state === "stopping"
}

/** The cluster's running nodes; throws Failed where there are none. */
export async function requireNodes(session: ClusterSession): Promise<ClusterNode[]> {
  const found = await findNodes(session)
  const nodes = found.filter(isUsable)
  if (nodes.length > 0) return nodes
  if (found.some(isStopped)) {
    throw new Failed("cluster", `${quoted(session.name)} is stopped (hadoop-ec2 start ${session.name})`)
  }
  throw new Failed("cluster", `${quoted(session.name)} has no running instances of yours`)
}

/** The node to log in to; throws Failed where no master runs. */
export function requireMaster(cluster: string, nodes: readonly ClusterNode[]): ClusterNode {
  const master = masterOf(nodes.filter(isUsable))
  if (master) return master
  throw new Failed("cluster", `${quoted(cluster)} has no running master`)
}

/** A node by its id, its address, or its number in `list`: 0 is the master. */
export function nodeNamed(nodes: readonly ClusterNode[], name: string): ClusterNode {
  const found = nodes.find(
    (node, index) =>
      [node.id, node.privateIp, node.publicIp, node.privateDns, node.publicDns].includes(name) ||
      String(index) === name,
  )
  if (found) return found
  throw new Failed("node", `${quoted(name)} is none of ${nodes.map(({ id }) => id).join(" ")}`)
}

/** The address at which this host reaches the node. */
export function addressOf(node: ClusterNode): string {
  const address = node.publicIp || node.publicDns || node.privateIp
  if (address) return address
  throw new Failed("node", `${node.id} has no address yet`)
}
