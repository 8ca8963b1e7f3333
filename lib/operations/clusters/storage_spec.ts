/** The file of `create-storage`: what volumes each node of a role gets. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { Role } from "../../decisions/clusters/roles.ts"
import { readText } from "./files.ts"

/** One volume of each node, in the old specification file's words. */
export interface VolumeSpec {
  device: string
  mount_point: string
  gib: number
  snapshot_id: string | null
}

/** Reads `{"ROLE": [{"device", "mount_point", "size_gb", "snapshot_id"}, …]}`. */
export function readStorageSpec(path: string, role: Role): VolumeSpec[] {
  const text = readText(path)
  if (text === null) throw new UsageError("storage", `${quoted(path)} does not exist`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new UsageError("storage", `${quoted(path)} is not JSON: ${(error as Error).message}`)
  }
  const list = (json as Record<string, unknown> | null)?.[role]
  if (!Array.isArray(list) || list.length === 0) {
    throw new UsageError("storage", `${quoted(path)} has no list of volumes for ${role}`)
  }
  const specs = list.map((item, index) => toSpec(path, `${role}[${index}]`, item))
  for (const key of ["device", "mount_point"] as const) {
    const twice = specs.find((spec, index) => specs.findIndex((other) => other[key] === spec[key]) < index)
    // Volumes would be paid of which a node can have one only.
    if (twice) throw new UsageError("storage", `${quoted(path)}: ${role} has the ${key} ${twice[key]} twice`)
  }
  return specs
}

function toSpec(path: string, where: string, item: unknown): VolumeSpec {
  const { device, mount_point, size_gb, snapshot_id } = (item ?? {}) as Record<string, unknown>
  const fail = (reason: string) => new UsageError("storage", `${quoted(path)}: ${where} ${reason}`)
  if (typeof device !== "string" || !/^\/dev\/(sd|xvd)[f-p]$/.test(device)) {
    throw fail("has no device /dev/sdf to /dev/sdp")
  }
  if (typeof mount_point !== "string" || !/^\/[A-Za-z0-9_./-]+$/.test(mount_point)) {
    throw fail("has no absolute mount_point")
  }
  const gib = Number(size_gb)
  if (!Number.isInteger(gib) || gib < 1 || gib > 16_384) throw fail("has no size_gb from 1 to 16384")
  if (snapshot_id != null && !/^snap-[0-9a-f]{8,17}$/.test(String(snapshot_id))) {
    throw fail("has a snapshot_id that is none")
  }
  return { device, mount_point, gib, snapshot_id: snapshot_id == null ? null : String(snapshot_id) }
}
