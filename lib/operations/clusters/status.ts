/** Looking at clusters: which there are, and how each node is. */

import { tagOf } from "../../base/instance.ts"
import { type MicroUsd, total } from "../../base/money.ts"
import { masterOf } from "../../decisions/clusters/cluster_plan.ts"
import { type BootState, bootState } from "../../decisions/clusters/readiness.ts"
import { isMaster } from "../../decisions/clusters/roles.ts"
import { volumePriceOf } from "../../decisions/pricing/prices.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { type HostKeyState, hostKeyState, learnHostKeys } from "./host_keys.ts"
import { type ClusterNode, findAllNodes, isStopped } from "./nodes.ts"
import { runRemote } from "./ssh.ts"
import { hourlyPrice } from "./terminate.ts"
import { askMaster, type ClusterState, statusFile } from "./wait.ts"

/** A cluster as `list` shows it. */
export interface ClusterSummary {
  name: string
  masters: number
  workers: number
  /** Of these, masters or workers that are stopped or stopping. */
  stopped: number
  ageMs: number
  leaseEnd: string
  /** Of the instances that run, and the volumes of those that are stopped; null where a price is not known. */
  hourlyMicroUsd: MicroUsd | null
}

/** The caller's clusters, with those that are stopped: their volumes cost, too. */
export async function listClusters(deps: ClusterDeps): Promise<ClusterSummary[]> {
  const nodes = (await findAllNodes(deps)).filter(({ state }) => state !== "shutting-down")
  const prices = await volumePrices(deps, nodes.filter(isStopped))
  return [...Map.groupBy(nodes, ({ cluster }) => cluster)].map(([name, members]) => {
    const masters = members.filter(({ roles }) => isMaster(roles)).length
    const hourly = members.map((node) =>
      isStopped(node) ? (prices.get(node.id) ?? null) : hourlyPrice(deps, node),
    )
    return {
      name,
      masters,
      workers: members.length - masters,
      stopped: members.filter(isStopped).length,
      ageMs: deps.clock.now() - Math.min(...members.map(({ launchedAtUtcMs }) => launchedAtUtcMs)),
      leaseEnd: members.map(({ tags }) => tags[tagOf.leaseEnd] ?? "").sort()[0] ?? "",
      hourlyMicroUsd: hourly.includes(null) ? null : total(hourly.filter((price) => price !== null)),
    }
  })
}

/** What an hour of each node's volumes costs, by the node's id; a node is missing where a price is not known. */
async function volumePrices(
  deps: ClusterDeps,
  nodes: readonly ClusterNode[],
): Promise<Map<string, MicroUsd>> {
  const ids = nodes.flatMap(({ volumes }) => volumes.map(({ id }) => id))
  const volumes = ids.length === 0 ? [] : await (await deps.ec2()).volumes({ ids })
  return new Map(
    nodes.flatMap((node) => {
      const prices = node.volumes.map(({ id }) => {
        const volume = volumes.find((one) => one.id === id)
        return volume ? volumePriceOf(volume, node.region) : null
      })
      return prices.includes(null)
        ? []
        : [[node.id, total(prices.filter((price) => price !== null))] as const]
    }),
  )
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
