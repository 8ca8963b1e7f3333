/** `create-formatted-snapshot`: an empty file system of a size, to make volumes from. Formatted on the cluster's master. */
import { msPerMinute } from "../../base/time.ts"
import { pollDelayMs } from "../../decisions/clusters/readiness.ts"
import type { ClusterSettings } from "../../decisions/clusters/settings.ts"
import { prepareConnection } from "./connect.ts"
import type { ClusterDeps } from "./deps.ts"
import type { ClusterNode } from "./nodes.ts"
import { askLauncher } from "./runner.ts"
import { requireRemote } from "./ssh.ts"
import { waitForVolume } from "./storage.ts"

const device = "/dev/sdp"

/** Returns the snapshot's id; the volume that it was made of is deleted again whatever happens. */
export async function createFormattedSnapshot(
  deps: ClusterDeps,
  settings: ClusterSettings,
  master: ClusterNode,
  gib: number,
): Promise<string> {
  const { cluster } = master
  const membership = { name: cluster, roles: [] }
  const made = await askLauncher(deps, {
    protocol: 2,
    action: "create_volumes",
    client_token: crypto.randomUUID(),
    cluster: membership,
    volumes: [{ gib, zone: master.zone }],
  })
  const volume = made.ids[0] ?? ""
  const after = deps.uninterrupted()
  const ec2 = await after.ec2()
  try {
    await waitForVolume(deps, volume, "available")
    await ec2.attachVolume(volume, master.id, device)
    await prepareConnection(deps, settings, master)
    await requireRemote(deps, settings, master, ["sudo", "-n", "hadoop-ec2-node", "format", device, volume], {
      timeoutMs: 10 * msPerMinute,
    })
    await ec2.detachVolume(volume)
    await waitForVolume(deps, volume, "available")
    const { ids } = await askLauncher(deps, {
      protocol: 2,
      action: "create_snapshot",
      client_token: crypto.randomUUID(),
      cluster: membership,
      volume_id: volume,
      description: `${gib} GiB, empty ext4, of ${cluster}`,
    })
    const snapshot = ids[0] ?? ""
    const started = deps.clock.now()
    while (!(await ec2.snapshotCompleted(snapshot))) {
      await deps.clock.sleep(pollDelayMs(deps.clock.now() - started, deps.random()), deps.interrupt)
    }
    return snapshot
  } finally {
    await ec2.detachVolume(volume)
    await waitForVolume(after, volume, "available")
    await ec2.deleteVolume(volume)
  }
}
