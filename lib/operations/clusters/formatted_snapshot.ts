/**
 * `create-formatted-snapshot`: an empty file system of a size, to make volumes from. Formatted on a node that is launched for
 * it and terminated after it: only so does the volume come free, since nobody but AWS may take volumes off students' nodes.
 */
import { Failed } from "../../base/errors.ts"
import { msPerMinute } from "../../base/time.ts"
import type { NodeGroup } from "../../decisions/clusters/cluster_plan.ts"
import { bootState, pollDelayMs } from "../../decisions/clusters/readiness.ts"
import { prepareConnection } from "./connect.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { endingsFrom } from "./ended.ts"
import { aloneWith } from "./files.ts"
import { launchGroups } from "./launch_groups.ts"
import { type ClusterNode, findNodes } from "./nodes.ts"
import { askLauncher } from "./runner.ts"
import { requireRemote, runRemote } from "./ssh.ts"
import { waitForVolume } from "./storage.ts"
import { terminateNodes } from "./terminate.ts"
import { defaultTimeoutMs, isPassing, pause, statusFile, waitingFrom, waitUntilRunning } from "./wait.ts"

const device = "/dev/sdp"

/** The node that formats. */
export const formattingGroups: readonly NodeGroup[] = [{ count: 1, roles: [] }]

/** Returns the snapshot's id; the node and the volume that it was made with are gone again, whatever happens. */
export function createFormattedSnapshot(session: ClusterSession, gib: number): Promise<string> {
  const work = () => formattedSnapshot(session, gib)
  return aloneWith(session, "create-formatted-snapshot", work)
}

async function formattedSnapshot(session: ClusterSession, gib: number): Promise<string> {
  const { deps, name: cluster } = session
  const before = new Set((await findNodes(session)).map(({ id }) => id))
  const inputs = { groups: formattingGroups, present: [] }
  const launched = await launchGroups(session, inputs, endingsFrom(session))
  const ids = launched.nodes.map(({ id }) => id)
  let volume: string | null = null
  try {
    if (launched.failure) throw launched.failure
    const [node] = await waitUntilRunning(deps, ids, waitingFrom(deps, deps.timeoutMs ?? defaultTimeoutMs))
    if (!node) throw new Failed("create-formatted-snapshot", "ec2-run launched nothing")
    const own = { ...node, cluster }
    volume = await createVolume(session, own.zone, gib)
    await waitForVolume(deps, volume, "available")
    await (await deps.ec2()).attachVolume(volume, own.id, device)
    await prepareConnection(session, own)
    await waitForBoot(session, own)
    await requireRemote(session, own, ["hadoop-ec2-node", "format", device, volume], {
      timeoutMs: 10 * msPerMinute,
    })
    return await snapshotOf(session, volume, gib)
  } finally {
    const after = deps.uninterrupted()
    const unheard = launched.failure
      ? await formattersBeside({ ...session, deps: after }, before).catch(() => [])
      : []
    await removeAll(after, [...new Set([...ids, ...unheard])], volume)
  }
}

/** What ec2-run launched without our hearing of it. */
async function formattersBeside(session: ClusterSession, before: ReadonlySet<string>): Promise<string[]> {
  const nodes = await findNodes(session)
  return nodes.filter(({ id, roles }) => roles.length === 0 && !before.has(id)).map(({ id }) => id)
}

async function createVolume(
  { deps, name: cluster }: ClusterSession,
  zone: string,
  gib: number,
): Promise<string> {
  const { ids } = await askLauncher(deps, {
    protocol: 2,
    action: "create_volumes",
    client_token: crypto.randomUUID(),
    cluster: { name: cluster, roles: [] },
    volumes: [{ gib, zone }],
  })
  return ids[0] ?? ""
}

async function waitForBoot(session: ClusterSession, node: ClusterNode): Promise<void> {
  const { deps } = session
  const started = deps.clock.now()
  for (;;) {
    const { stdout } = await runRemote(session, node, ["cat", statusFile])
    const { state, phase, detail } = bootState(stdout)
    if (state === "done") return
    const waited = deps.clock.now() - started
    if (state === "failed" || waited > (deps.timeoutMs ?? defaultTimeoutMs)) {
      throw new Failed(
        "boot",
        `${node.id} is in phase ${phase || "none"}: ${detail || "timed out (see --timeout)"}`,
      )
    }
    await deps.clock.sleep(pollDelayMs(waited, deps.random()), deps.interrupt)
  }
}

async function snapshotOf(
  { deps, name: cluster }: ClusterSession,
  volume: string,
  gib: number,
): Promise<string> {
  const { ids } = await askLauncher(deps, {
    protocol: 2,
    action: "create_snapshot",
    client_token: crypto.randomUUID(),
    cluster: { name: cluster, roles: [] },
    volume_id: volume,
    description: `${gib} GiB, empty ext4, of ${cluster}`,
  })
  const snapshot = ids[0] ?? ""
  // It is there from now on, whatever ends the wait.
  deps.terminal.warn(`${snapshot} is being made ...`)
  await waitForSnapshot(deps, snapshot)
  return snapshot
}

/** AWS promises no time; of an empty volume it takes minutes. */
const snapshotMs = 60 * msPerMinute

/** Throws Failed where it cannot be made, or not in time. */
export async function waitForSnapshot(deps: ClusterDeps, snapshot: string): Promise<void> {
  const ec2 = await deps.ec2()
  const waiting = waitingFrom(deps, deps.timeoutMs ?? snapshotMs)
  for (;;) {
    const state = await ec2.snapshotState(snapshot).catch((error) => {
      if (isPassing(error)) return ""
      throw error
    })
    if (state === "completed") return
    if (state === "error") throw new Failed("create-formatted-snapshot", `AWS could not make ${snapshot}`)
    await pause(deps, waiting, 1, `AWS to complete ${snapshot}`)
  }
}

async function removeAll(deps: ClusterDeps, ids: readonly string[], volume: string | null): Promise<void> {
  await terminateNodes(deps, ids)
  if (volume === null) return
  await waitForVolume(deps, volume, "available")
  await (await deps.ec2()).deleteVolume(volume)
}
