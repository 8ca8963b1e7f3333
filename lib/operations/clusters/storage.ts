/** Volumes that outlive a cluster's nodes: made by ec2-run, since they cost; attached and deleted by their owner. */
import { Failed, messageOf, Refused, UsageError } from "../../base/errors.ts"
import { tagOf, type Volume } from "../../base/instance.ts"
import { quoted } from "../../base/text.ts"
import { duration, msPerMinute } from "../../base/time.ts"
import { pollDelayMs } from "../../decisions/clusters/readiness.ts"
import { parseRoles, type Role } from "../../decisions/clusters/roles.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { type ClusterNode, isUsable } from "./nodes.ts"
import { askLauncher } from "./runner.ts"
import { readStorage, volumesIn, writeStorage } from "./storage_file.ts"
import type { VolumeSpec } from "./storage_spec.ts"

/** Makes volumes for `count` nodes of a role, and notes each as soon as it exists. */
export async function createStorage(
  session: ClusterSession,
  role: Role,
  count: number,
  specs: readonly VolumeSpec[],
  { zone, dryRun }: { zone: string; dryRun: boolean },
): Promise<{ ids: string[]; hourlyCost: number }> {
  const { deps, name: cluster } = session
  const before = readStorage(session)
  const known = dryRun ? [] : await unlisted(session)
  const asked = askLauncher(deps, {
    protocol: 2,
    action: "create_volumes",
    client_token: crypto.randomUUID(),
    cluster: { name: cluster, roles: [role] },
    volumes: Array.from({ length: count }, () =>
      specs.map(({ gib, snapshot_id }) => ({ gib, zone, snapshot_id })),
    ).flat(),
    ...(dryRun ? { dry_run: true } : {}),
  })
  const reply = await asked.catch(async (error) => {
    if (!dryRun) {
      await deleteMade({ ...session, deps: deps.uninterrupted() }, known).catch((failed) =>
        deps.terminal.warn(`what had been made may be left (list-storage): ${messageOf(failed)}`),
      )
    }
    throw error
  })
  if (!dryRun) {
    const nodes = Array.from({ length: count }, (_, node) =>
      specs.map(({ device, mount_point }, index) => ({
        device,
        mount_point,
        volume_id: reply.ids[node * specs.length + index] ?? "",
      })),
    )
    writeStorage(session, { ...before, [role]: [...(before[role] ?? []), ...nodes] })
  }
  return { ids: reply.ids, hourlyCost: reply.hourly_cost }
}

/** Of a request that failed half-way: nobody knows of these volumes, and they would cost. */
async function deleteMade(session: ClusterSession, known: readonly Volume[]): Promise<void> {
  const { deps } = session
  const ec2 = await deps.ec2()
  const made = (await unlisted(session)).filter(({ id }) => !known.some((one) => one.id === id))
  for (const { id } of made) {
    await ec2.deleteVolume(id)
    deps.terminal.warn(`${id} had been made, and is deleted again`)
  }
}

/** Volumes that carry the cluster's tags, are nobody's part, and are not in its file. */
export async function unlisted(session: ClusterSession): Promise<Volume[]> {
  const { deps, name: cluster } = session
  const listed = volumesIn(readStorage(session)).map(({ volume_id }) => volume_id)
  const ec2 = await deps.ec2()
  const volumes = await ec2.volumes({ tags: { [tagOf.owner]: deps.login, [tagOf.cluster]: cluster } })
  return volumes.filter(
    (volume) =>
      isOurs(session, volume) &&
      volume.attachedTo === "" &&
      volume.tags[tagOf.leaseEnd] === undefined &&
      !listed.includes(volume.id),
  )
}

export interface StoredVolume {
  role: string
  node: number
  device: string
  mountPoint: string
  id: string
  /** Null where AWS does not know it, or it is not ours. */
  volume: Volume | null
}

/** What the file lists, with what AWS says of it. */
export async function listStorage(session: ClusterSession): Promise<StoredVolume[]> {
  const { deps } = session
  const listed = volumesIn(readStorage(session))
  if (listed.length === 0) return []
  const ec2 = await deps.ec2()
  const volumes = await ec2.volumes({ ids: listed.map(({ volume_id }) => volume_id) })
  return listed.map((one) => ({
    role: one.role,
    node: one.node,
    device: one.device,
    mountPoint: one.mount_point,
    id: one.volume_id,
    volume: volumes.find((volume) => volume.id === one.volume_id && isOurs(session, volume)) ?? null,
  }))
}

/** The file is the student's to edit: only what carries our tags as well is ever touched. */
function isOurs({ deps, name: cluster }: ClusterSession, { tags }: Volume): boolean {
  return tags[tagOf.owner] === deps.login && tags[tagOf.cluster] === cluster
}

/** Attaches each role's volumes to its nodes, in the order of their launch. Volumes attached already stay where they are. */
export async function attachStorage(
  session: ClusterSession,
  nodes: readonly ClusterNode[],
  { only = null, dryRun = false }: { only?: Role | null; dryRun?: boolean } = {},
): Promise<string[]> {
  const { deps } = session
  const stored = (await listStorage(session)).filter(({ role }) => only === null || role === only)
  const ec2 = await deps.ec2()
  const attached: string[] = []
  for (const role of new Set(stored.map((one) => one.role))) {
    const hosts = nodes.filter((node) => isUsable(node) && (node.roles as string[]).includes(role))
    const sets = [...new Set(stored.filter((one) => one.role === role).map(({ node }) => node))]
    const free = hosts.filter(({ id }) => !stored.some(({ volume }) => volume?.attachedTo === id))
    for (const set of sets) {
      const volumes = stored.filter((one) => one.role === role && one.node === set)
      if (volumes.some(({ volume }) => volume === null || volume.attachedTo !== "")) continue
      const host = free.find(({ zone }) => volumes.every(({ volume }) => volume?.zone === zone))
      if (!host) continue
      free.splice(free.indexOf(host), 1)
      for (const { id, device } of volumes) {
        if (!dryRun) await ec2.attachVolume(id, host.id, device)
        attached.push(id)
      }
    }
  }
  return attached
}

const detachMs = 3 * msPerMinute

/** Deletes what the file lists and carries our tags; the rest is named and left alone. */
export async function deleteStorage(session: ClusterSession): Promise<string[]> {
  const { deps } = session
  const stored = await listStorage(session)
  const ec2 = await deps.ec2()
  const inUse = stored.filter(({ volume }) => volume && volume.attachedTo !== "")
  if (inUse.length > 0) {
    throw new Refused(
      "delete-storage",
      `${inUse.map(({ id }) => id).join(" ")} is attached (terminate-cluster first)`,
    )
  }
  const deleted: string[] = []
  for (const { id, volume } of stored) {
    if (volume === null) {
      deps.terminal.warn(`${id} is gone or does not carry your tags: left alone`)
      continue
    }
    await ec2.deleteVolume(id)
    deleted.push(id)
  }
  writeStorage(session, {})
  return deleted
}

/** Waits until a volume is as wanted; throws Failed after some minutes. */
export async function waitForVolume(deps: ClusterDeps, id: string, state: string): Promise<void> {
  const ec2 = await deps.ec2()
  const started = deps.clock.now()
  for (;;) {
    const [volume] = await ec2.volumes({ ids: [id] })
    if (volume?.state === state) return
    const waited = deps.clock.now() - started
    if (waited > (deps.timeoutMs ?? detachMs))
      throw new Failed("storage", `${id} is not ${state} after ${duration(waited)}`)
    await deps.clock.sleep(pollDelayMs(waited, deps.random()), deps.interrupt)
  }
}

/** The one role that the text names; throws UsageError otherwise. */
export function requireRole(text: string): Role {
  const { roles } = parseRoles(text)
  const [role] = roles
  if (roles.length === 1 && role) return role
  throw new UsageError("storage", `${quoted(text)} is not one role`)
}
