/** Ending a cluster: its instances in whatever state, then its security groups. Repeating it is harmless. */

import { Failed } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { type MicroUsd, noMicroUsd, total } from "../../base/money.ts"
import { plural } from "../../base/text.ts"
import { duration, msPerHour, msPerMinute } from "../../base/time.ts"
import { pollDelayMs } from "../../decisions/clusters/readiness.ts"
import { priceOf } from "../../decisions/pricing/prices.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { tellEnding } from "./ended.ts"
import { deleteGroups } from "./groups.ts"
import { countComing, removeJournal, underWayMs } from "./journal.ts"
import { type ClusterNode, findNodes } from "./nodes.ts"
import { unlistedIds } from "./unlisted.ts"
import { invisibleMs, isPassing, pause, waitingFrom } from "./wait.ts"

/** What nodes have used so far, and what an hour of them costs. */
export interface NodeUsage {
  instanceHours: number
  /** Null where the price of one is not known. */
  hourlyMicroUsd: MicroUsd | null
}

/** Added up over the nodes, from this tool's own price list. */
export function usageOf(session: ClusterSession, nodes: readonly ClusterNode[]): NodeUsage {
  const now = session.deps.clock.now()
  const prices = nodes.map((node) => hourlyPrice(session.deps, node))
  return {
    instanceHours: nodes.reduce((sum, { launchedAtUtcMs }) => sum + (now - launchedAtUtcMs) / msPerHour, 0),
    hourlyMicroUsd: prices.includes(null) ? null : total(prices.map((price) => price ?? noMicroUsd)),
  }
}

/** Null where no price is known: that must keep nobody from terminating. */
export function hourlyPrice(deps: ClusterDeps, node: ClusterNode): MicroUsd | null {
  return priceOf(deps.prices, {
    instanceType: node.type,
    region: node.region,
    usageOperation: node.usageOperation,
    market: node.market,
    atUtcMs: deps.clock.now(),
  })
}

const deadlineMs = 10 * msPerMinute

/**
 * Terminates these and waits until they are gone. What AWS does not know may have been launched a moment ago: it is asked for
 * again until it would be known.
 */
export async function terminateNodes(deps: ClusterDeps, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const ec2 = await deps.ec2()
  const started = deps.clock.now()
  let unknown = await ec2.terminateAll(ids)
  for (;;) {
    const left = [...unknown, ...(await nodesLeft(deps, ids))]
    const waited = deps.clock.now() - started
    if (left.length === 0) return
    if (left.length === unknown.length && waited > invisibleMs) {
      deps.terminal.warn(`AWS does not know ${unknown.join(" ")}`)
      return
    }
    if (waited > (deps.timeoutMs ?? deadlineMs)) {
      throw new Failed(
        "terminate",
        `${left.join(" ")} ${left.length === 1 ? "is" : "are"} not gone after ${duration(waited)}, repeat it later`,
      )
    }
    await deps.clock.sleep(pollDelayMs(waited, deps.random()), deps.interrupt)
    if (unknown.length > 0) unknown = await ec2.terminateAll(unknown)
  }
}

/** The ids of those that are not terminated yet; all of them where AWS cannot say so just now. */
async function nodesLeft(deps: ClusterDeps, ids: readonly string[]): Promise<readonly string[]> {
  const ec2 = await deps.ec2()
  try {
    const left = (await ec2.instances({ ids: [...ids] })).filter(
      ({ state, tags }) => state !== "terminated" && tags[tagOf.owner] === deps.login,
    )
    deps.terminal.nodes(left.map(({ id, state }) => ({ id, text: state })))
    return left.map(({ id }) => id)
  } catch (error) {
    if (!isPassing(error)) throw error
    return ids
  }
}

/** A cluster's nodes that are not terminated, and what AWS will list of it only. */
export async function nodesToEnd(
  session: ClusterSession,
): Promise<{ nodes: ClusterNode[]; unlisted: string[] }> {
  const listed = await findNodes(session, { terminated: true })
  return {
    nodes: listed.filter(({ state }) => state !== "terminated"),
    unlisted: unlistedIds(session, listed),
  }
}

/** Everything of the cluster: instances, those that ec2-run is launching too, then groups where told. Returns what was done. */
export async function terminateCluster(
  session: ClusterSession,
  { groups }: { groups: boolean },
): Promise<{ terminated: string[]; groups: string[] }> {
  const { deps, name: cluster } = session
  tellEnding(session)
  const terminated = new Set<string>()
  const waiting = waitingFrom(deps, deps.timeoutMs ?? underWayMs)
  let isSaid = false
  for (let coming = -1; coming !== 0; ) {
    // Counted before it is listed: what comes in between is found the next time.
    coming = countComing(session)
    const { nodes, unlisted } = await nodesToEnd(session)
    const ids = [...nodes.map(({ id }) => id), ...unlisted]
    await terminateNodes(deps, ids)
    for (const id of ids) terminated.add(id)
    if (coming === 0) continue
    const what = `ec2-run to launch ${plural(coming, "node")} of ${cluster}`
    if (!isSaid) deps.terminal.note(`Waiting for ${what} ...`)
    isSaid = true
    await pause(deps, waiting, 1, what)
  }
  const deleted = groups ? await deleteGroups(session) : []
  removeJournal(session)
  return { terminated: [...terminated], groups: deleted }
}
