/** The master's list of workers, and taking workers away without losing what they hold. */
import { Failed } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { msPerMinute } from "../../base/time.ts"
import { hostVariables, masterOf } from "../../decisions/clusters/cluster_plan.ts"
import { parseCount } from "../../decisions/clusters/names.ts"
import { isMaster } from "../../decisions/clusters/roles.ts"
import { prepareConnection } from "./connect.ts"
import type { ClusterSession } from "./deps.ts"
import { requireHostKeys } from "./host_keys.ts"
import { writeMembers } from "./members.ts"
import { type ClusterNode, isUsable, nodeNamed, requireMaster } from "./nodes.ts"
import { requireRemote } from "./ssh.ts"
import { terminateNodes } from "./terminate.ts"

const nodeCommand = "hadoop-ec2-node"

function workersAmong(nodes: readonly ClusterNode[]): ClusterNode[] {
  return nodes.filter((node) => isUsable(node) && !isMaster(node.roles))
}

/** The workers' addresses, as the master's file lists them. */
export function workersList(nodes: readonly ClusterNode[]): string[] {
  return workersAmong(nodes).map(({ privateIp }) => privateIp)
}

/** Writes the list on the master; returns it. */
export async function pushWorkers(session: ClusterSession, nodes: readonly ClusterNode[]): Promise<string[]> {
  const { name: cluster } = session
  const master = requireMaster(cluster, nodes)
  const addresses = workersList(nodes)
  await requireRemote(session, master, [nodeCommand, "workers"], { stdin: lines(addresses) })
  return addresses
}

/** `N` of the youngest workers, or the ones named. Throws where a named one is a master. */
export function chooseWorkers(nodes: readonly ClusterNode[], wanted: readonly string[]): ClusterNode[] {
  const workers = workersAmong(nodes)
  const [first] = wanted
  if (workers.length === 0) throw new Failed("remove-workers", "there are none")
  if (wanted.length === 1 && first !== undefined && /^\d+$/.test(first)) {
    const count = parseCount("workers", first, 1, workers.length)
    return workers.toSorted((a, b) => b.launchedAtUtcMs - a.launchedAtUtcMs).slice(0, count)
  }
  const named = wanted.map((name) => {
    const node = nodeNamed(nodes, name)
    if (isMaster(node.roles)) throw new Failed("remove-workers", `${quoted(name)} is a master`)
    return node
  })
  return [...new Set(named)]
}

/** Has the daemons move what the workers hold, then terminates them and corrects the list. */
export async function removeWorkers(
  session: ClusterSession,
  nodes: readonly ClusterNode[],
  leaving: readonly ClusterNode[],
  { decommission }: { decommission: boolean },
): Promise<void> {
  const { deps } = session
  const stdin = lines(leaving.map(({ privateIp }) => privateIp))
  if (decommission) {
    deps.terminal.note("Decommissioning: their blocks are copied to the others ...")
    for (const hub of hubsWithMembers(nodes)) {
      await requireHostKeys(session, hub)
      const options = { stdin, timeoutMs: deps.timeoutMs ?? 12 * msPerMinute }
      await requireRemote(session, hub, [nodeCommand, "decommission"], options)
    }
  }
  await terminateNodes(
    deps,
    leaving.map(({ id }) => id),
  )
  const left = nodes.filter((node) => !leaving.includes(node))
  writeMembers(session, left)
  const master = masterOf(left.filter(isUsable))
  if (!master) return
  if (!decommission) await prepareConnection(session, master)
  await pushWorkers(session, left)
}

/** The nodes that keep a list of who may not be a member: name node and resource manager, who need not share one. */
function hubsWithMembers(nodes: readonly ClusterNode[]): ClusterNode[] {
  return nodes.filter((node) => isUsable(node) && (node.roles.includes("nn") || node.roles.includes("rm")))
}

/** Has the hubs take in new nodes: addresses come back, also those of workers that were removed. */
export async function readmitWorkers(
  session: ClusterSession,
  nodes: readonly ClusterNode[],
  fresh: readonly ClusterNode[],
): Promise<void> {
  const stdin = lines(fresh.map(({ privateIp }) => privateIp))
  for (const hub of hubsWithMembers(nodes)) {
    await requireHostKeys(session, hub)
    await requireRemote(session, hub, [nodeCommand, "recommission"], { stdin })
  }
}

/** Tells the master where hubs are that were launched after it: its commands for YARN or Spark look for them. */
export async function pushHubs(session: ClusterSession, nodes: readonly ClusterNode[]): Promise<void> {
  const { name: cluster } = session
  const master = requireMaster(cluster, nodes)
  const elsewhere = nodes.filter((node) => node !== master && isMaster(node.roles))
  if (elsewhere.length === 0) return
  const hubs = Object.entries(hostVariables(elsewhere)).map(([name, address]) => `${name}=${address}`)
  await requireRemote(session, master, [nodeCommand, "hubs"], { stdin: lines(hubs) })
}

function lines(items: readonly string[]): string {
  return items.map((item) => `${item}\n`).join("")
}
