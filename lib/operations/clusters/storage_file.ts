/** `ec2-storage-CLUSTER.json`: the volumes of each role's nodes, in the old tool's form. */
import { join } from "node:path"
import { Failed } from "../../base/errors.ts"
import type { Role } from "../../decisions/clusters/roles.ts"
import type { ClusterSession } from "./deps.ts"
import { readText, removeFile, writeText } from "./files.ts"

/** A volume and where a node mounts it. */
export interface MountedVolume {
  device: string
  mount_point: string
  volume_id: string
}

/** For each role a list of nodes, each a list of volumes. */
export type ClusterStorage = Partial<Record<string, MountedVolume[][]>>

function storagePath({ deps, name: cluster }: ClusterSession): string {
  return join(deps.configDir, `ec2-storage-${cluster}.json`)
}

/** Empty where there is no file; throws Failed where it has another form. */
export function readStorage(session: ClusterSession): ClusterStorage {
  const path = storagePath(session)
  const text = readText(path)
  if (text === null) return {}
  try {
    return checked(JSON.parse(text))
  } catch (error) {
    throw new Failed(`read ${path}`, `is not a cluster's storage: ${(error as Error).message}`)
  }
}

/** Replaces the file, or removes it where no volume is left. */
export function writeStorage(session: ClusterSession, storage: ClusterStorage): void {
  const path = storagePath(session)
  if (volumesIn(storage).length === 0) removeFile(path)
  else writeText(path, `${JSON.stringify(storage, null, 2)}\n`)
}

/** All volumes with the role and the number of the node that they are for. */
export function volumesIn(storage: ClusterStorage): (MountedVolume & { role: string; node: number })[] {
  return Object.entries(storage).flatMap(([role, nodes = []]) =>
    nodes.flatMap((volumes, node) => volumes.map((volume) => ({ ...volume, role, node }))),
  )
}

/** So many volumes' ids find room in user data. Without, a node still knows them by their devices, where its image has those. */
const mostIds = 150

/** What a boot script is told: `ROLE,MOUNT POINT,DEVICE,VOLUME VOLUME…;…`, with the ids of which each node gets one. */
export function ebsMappings(session: ClusterSession, roles: readonly Role[]): string {
  const storage = readStorage(session)
  const all = volumesIn(storage).filter(({ role }) => (roles as string[]).includes(role))
  return roles
    .flatMap((role) => {
      const nodes = storage[role] ?? []
      return (nodes[0] ?? []).map(({ device, mount_point }, index) => {
        const ids = nodes.flatMap((volumes) => volumes[index]?.volume_id ?? [])
        return [role, mount_point, device, ...(all.length > mostIds ? [] : [ids.join(" ")])].join(",")
      })
    })
    .join(";")
}

function checked(value: unknown): ClusterStorage {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("wanted an object of roles")
  for (const [role, nodes] of Object.entries(value)) {
    if (!Array.isArray(nodes) || !nodes.every((node) => Array.isArray(node) && node.every(isVolume))) {
      throw new Error(`${role} is not a list of lists of {device, mount_point, volume_id}`)
    }
  }
  return value as ClusterStorage
}

function isVolume(value: unknown): value is MountedVolume {
  const { device, mount_point, volume_id } = (value ?? {}) as Record<string, unknown>
  return (
    typeof device === "string" &&
    /^\/dev\/[a-z0-9/]+$/.test(device) &&
    typeof mount_point === "string" &&
    /^\/[A-Za-z0-9_./-]+$/.test(mount_point) &&
    typeof volume_id === "string" &&
    /^vol-[0-9a-f]{8,17}$/.test(volume_id)
  )
}
