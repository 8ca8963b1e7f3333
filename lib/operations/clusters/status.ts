/** Looking at clusters: which there are, and how each node is. */

import { tagOf } from "../../base/instance.ts"
import { masterOf } from "../../decisions/clusters/cluster_plan.ts"
import { type BootState, bootState } from "../../decisions/clusters/readiness.ts"
import { isMaster } from "../../decisions/clusters/roles.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { type HostKeyState, hostKeyState, learnHostKeys } from "./host_keys.ts"
import { type ClusterNode, findAllNodes, isUsable } from "./nodes.ts"
import { runRemote } from "./ssh.ts"
import { askMaster, type ClusterState, statusFile } from "./wait.ts"

export interface ClusterSummary {
  name: string
  masters: number
  workers: number
  ageMs: number
  leaseEnd: string
}

/** Clusters with a running master. */
export async function listClusters(deps: ClusterDeps): Promise<ClusterSummary[]> {
  const nodes = (await findAllNodes(deps)).filter(isUsable)
  return [...Map.groupBy(nodes, ({ cluster }) => cluster)].flatMap(([name, members]) => {
    const masters = members.filter(({ roles }) => isMaster(roles))
    if (!masters.some(({ state }) => state === "running")) return []
    return [
      {
        name,
        masters: masters.length,
        workers: members.length - masters.length,
        ageMs: deps.clock.now() - Math.min(...members.map(({ launchedAtUtcMs }) => launchedAtUtcMs)),
        leaseEnd: members.map(({ tags }) => tags[tagOf.leaseEnd] ?? "").sort()[0] ?? "",
      },
    ]
  })
}

export interface NodeStatus {
  node: ClusterNode
  hostKey: HostKeyState
  /** Null where it cannot be asked. */
  boot: BootState | null
}

/** How many nodes are asked at once. */
const width = 16

/** Every node's boot phase, and what the services say. */
export async function clusterStatus(
  session: ClusterSession,
  nodes: readonly ClusterNode[],
): Promise<{ nodes: NodeStatus[]; services: ClusterState["services"] }> {
  const statuses: NodeStatus[] = []
  const queue = [...nodes.entries()]
  const ask = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [index, node] = next
      statuses[index] = await nodeStatus(session, node)
    }
  }
  await Promise.all(Array.from({ length: width }, ask))
  const master = masterOf(nodes.filter(({ state }) => state === "running"))
  const state =
    master && hostKeyState(session, master) !== "unknown" ? await askMaster(session, nodes, master) : null
  return {
    nodes: statuses.map((one) => ({ ...one, boot: one.boot ?? state?.boots.get(one.node.id) ?? null })),
    services: state?.services ?? {},
  }
}

async function nodeStatus(session: ClusterSession, node: ClusterNode): Promise<NodeStatus> {
  if (node.state !== "running") return { node, hostKey: hostKeyState(session, node), boot: null }
  const hostKey = await learnHostKeys(session, node)
  if (hostKey === "unknown") return { node, hostKey, boot: null }
  const { code, stdout } = await runRemote(session, node, ["cat", statusFile], { timeoutMs: 20_000 })
  return { node, hostKey, boot: code === 0 ? bootState(stdout) : null }
}
