/** Whether a cluster's storage fits what is to be launched: a node that waits for a volume that never comes fails late. */
import { Failed } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import type { NodeGroup } from "../../decisions/clusters/cluster_plan.ts"
import type { ClusterSettings } from "../../decisions/clusters/settings.ts"
import type { ClusterSession } from "./deps.ts"
import type { LaunchedNode } from "./launch_groups.ts"
import { listStorage, type StoredVolume } from "./storage.ts"

/**
 * The settings with the zone of the storage, where they name neither zone nor subnet: volumes cannot leave theirs. Throws Failed
 * where there are too few volumes, or they are in another zone.
 */
export async function settingsForStorage(
  session: ClusterSession,
  groups: readonly NodeGroup[],
  present: readonly LaunchedNode[],
): Promise<ClusterSettings> {
  const { settings } = session
  const stored = await listStorage(session)
  const zones = new Set<string>()
  for (const role of new Set(stored.map((one) => one.role))) {
    const fresh = groups.filter(({ roles }) => (roles as string[]).includes(role))
    if (fresh.length === 0) continue
    const volumes = stored.filter((one) => one.role === role)
    const waiting = present.filter(
      ({ id, roles }) =>
        (roles as string[]).includes(role) && !volumes.some(({ volume }) => volume?.attachedTo === id),
    )
    const wanted = fresh.reduce((sum, { count }) => sum + count, waiting.length)
    const free = freeSets(volumes)
    if (free < wanted) {
      throw new Failed(
        "storage",
        `${role} has free volumes for ${free} of ${plural(wanted, "node")} (list-storage shows them, create-storage makes more)`,
      )
    }
    for (const { volume } of volumes) if (volume?.attachedTo === "") zones.add(volume.zone)
  }
  const [zone] = zones
  if (zone === undefined || zones.size > 1 || settings.subnetId !== null) return settings
  if (settings.availabilityZone !== null && settings.availabilityZone !== zone) {
    throw new Failed("storage", `is in ${zone}, and ${settings.availabilityZone} is asked for`)
  }
  return { ...settings, availabilityZone: zone }
}

/** For how many nodes all volumes are there and attached to none. */
function freeSets(volumes: readonly StoredVolume[]): number {
  const sets = Map.groupBy(volumes, ({ node }) => node)
  return [...sets.values()].filter((set) => set.every(({ volume }) => volume?.attachedTo === "")).length
}
