/** Stopping a whole cluster, and starting it again: through ec2-active, by one admission for all of its nodes. */
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { plural, quoted } from "../../base/text.ts"
import { msPerMinute } from "../../base/time.ts"
import { isMaster } from "../../decisions/clusters/roles.ts"
import { type ActiveReply, startInstances, stopInstances } from "./active.ts"
import { PartlyLaunched } from "./cluster_launch.ts"
import { prepareConnection } from "./connect.ts"
import type { ClusterSession } from "./deps.ts"
import { aloneWith } from "./files.ts"
import { type ClusterMember, readMembers, writeMembers } from "./members.ts"
import { type ClusterNode, findNodes, isUsable, requireMaster } from "./nodes.ts"
import { writeClientSite } from "./site_file.ts"
import { loadBootScript } from "./user_data_file.ts"
import {
  goalsOf,
  isPassing,
  pause,
  type Waiting,
  waitingFrom,
  waitUntilReady,
  waitUntilRunning,
} from "./wait.ts"
import { pushHubs, pushWorkers } from "./workers.ts"

const stoppingMs = 10 * msPerMinute

interface Options {
  dryRun: boolean
}

/**
 * Stops all nodes and waits until they are stopped. Throws Refused where some are on the Spot market, which EC2 does not stop;
 * Failed where there is nothing to stop.
 */
export async function stopCluster(session: ClusterSession, { dryRun }: Options): Promise<ActiveReply> {
  const { deps, name } = session
  const nodes = await requireAny(session)
  const running = nodes.filter(isUsable)
  const onSpot = running.filter(({ market }) => market === "spot")
  if (onSpot.length > 0) {
    throw new Refused(
      "stop",
      `EC2 cannot stop Spot instances: ${onSpot.map(({ id }) => id).join(" ")} (remove-workers or terminate-cluster ends them)`,
    )
  }
  if (running.length === 0) return { code: 0, lines: [`${name} is stopped already.`] }
  const ids = running.map(({ id }) => id)
  if (dryRun) return stopInstances(deps, ids, { dryRun })
  writeMembers(session, nodes)
  const reply = await stopInstances(deps, ids, { dryRun })
  if (reply.code !== 0) return reply
  await waitUntilStopped(session, waitingFrom(deps, deps.timeoutMs ?? stoppingMs))
  return reply
}

/** What `start` did. */
export interface StartedCluster {
  reply: ActiveReply
  /** Nodes that ended while the cluster was stopped; they are not replaced. */
  ended: ClusterMember[]
}

/**
 * Starts all nodes that are stopped, by one admission, and waits until they are ready as after a launch. Throws Failed where
 * there is no node or no master; PartlyLaunched where nodes run that are not ready.
 */
export async function startCluster(
  session: ClusterSession,
  { dryRun, timeoutMs }: Options & { timeoutMs: number },
): Promise<StartedCluster> {
  const { deps, name } = session
  const waiting = waitingFrom(deps, timeoutMs)
  let nodes = await requireAny(session)
  const ended = readMembers(session).filter(({ id }) => nodes.every((node) => node.id !== id))
  for (const { id, roles } of ended) {
    deps.terminal.warn(
      `${id} (${roles.join(",")}) has ended meanwhile and is not replaced (add-workers launches more)`,
    )
  }
  if (!nodes.some(({ roles }) => isMaster(roles))) {
    throw new Failed("start", `the masters of ${name} have ended (terminate-cluster ends the rest)`)
  }
  if (!dryRun) nodes = await waitUntilSettled(session, nodes, waiting)
  const ids = nodes.filter(({ state }) => state === "stopped").map(({ id }) => id)
  if (ids.length === 0) return { reply: { code: 0, lines: [`${name} is not stopped.`] }, ended }
  if (dryRun) return { reply: await startInstances(deps, ids, { dryRun }), ended }
  const reply = await aloneWith(session, "start", async () => {
    const started = await startInstances(deps, ids, { dryRun })
    await becomeReady(session, started, waiting)
    return started
  })
  return { reply, ended }
}

async function becomeReady(session: ClusterSession, reply: ActiveReply, waiting: Waiting): Promise<void> {
  const { deps, name } = session
  try {
    if (reply.code !== 0) throw new Failed("start", "not all nodes were started")
    const ids = (await findNodes(session)).map(({ id }) => id)
    const running = await waitUntilRunning(deps, ids, waiting)
    const nodes = running.map((node) => ({ ...node, cluster: name }))
    writeMembers(session, nodes)
    const { isOurs } = await loadBootScript(session)
    await prepareConnection(session, requireMaster(name, nodes))
    await waitUntilReady(session, nodes, goalsOf(nodes, isOurs), waiting)
    if (isOurs) {
      await pushWorkers(session, nodes)
      await pushHubs(session, nodes)
    }
    writeClientSite(session, nodes)
  } catch (error) {
    const after = { ...session, deps: deps.uninterrupted() }
    const kept = (await findNodes(after).catch(() => [])).filter(isUsable).map(({ id }) => id)
    if (kept.length === 0) return
    throw new PartlyLaunched(
      `${messageOf(error).replace(/^start: /, "")}; ${plural(kept.length, "instance")} of ${name} run: ${kept.join(" ")} (start goes on, stop stops them)`,
      kept,
      "start",
    )
  }
}

async function requireAny(session: ClusterSession): Promise<ClusterNode[]> {
  const nodes = (await findNodes(session)).filter(({ state }) => state !== "shutting-down")
  if (nodes.length > 0) return nodes
  throw new Failed("cluster", `${quoted(session.name)} has no instances of yours`)
}

async function waitUntilStopped(session: ClusterSession, waiting: Waiting): Promise<void> {
  let nodes = await requireAny(session)
  while (nodes.some(isUsable)) {
    await pause(session.deps, waiting, 1, `${session.name} to stop`)
    nodes = await listed(session, nodes)
  }
  await waitUntilSettled(session, nodes, waiting)
}

/** Until no node is on its way to be stopped: EC2 starts only what is. */
async function waitUntilSettled(
  session: ClusterSession,
  found: readonly ClusterNode[],
  waiting: Waiting,
): Promise<ClusterNode[]> {
  let nodes = [...found]
  while (nodes.some(({ state }) => state === "stopping")) {
    session.deps.terminal.nodes(nodes.map(({ id, state }) => ({ id, text: state })))
    await pause(session.deps, waiting, 1, `${session.name} to stop`)
    nodes = await listed(session, nodes)
  }
  return nodes
}

/** The nodes now, or those known before where AWS cannot say so just now. */
async function listed(session: ClusterSession, known: readonly ClusterNode[]): Promise<ClusterNode[]> {
  try {
    return (await findNodes(session)).filter(({ state }) => state !== "shutting-down")
  } catch (error) {
    if (!isPassing(error)) throw error
    return [...known]
  }
}
