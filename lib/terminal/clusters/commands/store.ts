/** Commands for storage that outlives nodes. */
import { Failed } from "../../../base/errors.ts"
import { parseCount } from "../../../decisions/clusters/names.ts"
import { aloneWith } from "../../../operations/clusters/files.ts"
import { createFormattedSnapshot, formattingGroups } from "../../../operations/clusters/formatted_snapshot.ts"
import { findNodes, requireNodes } from "../../../operations/clusters/nodes.ts"
import {
  attachStorage,
  createStorage,
  deleteStorage,
  listStorage,
  requireRole,
  unlisted,
} from "../../../operations/clusters/storage.ts"
import { readStorageSpec } from "../../../operations/clusters/storage_spec.ts"
import { launchOptions } from "../cluster_arguments.ts"
import { clusterStorageLine } from "../cluster_lines.ts"
import { type Command, confirm, notDone, openByName, openCluster } from "../command.ts"
import { pricedResult } from "./launch.ts"

export const storeCommands: Command[] = [
  {
    name: "create-formatted-snapshot",
    usage: "CLUSTER GIB",
    summary: "a snapshot of an empty file system, formatted on a node launched for it",
    options: launchOptions,
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 1, 1)
      const gib = parseCount("size", rest[0] ?? "", 1, 16_384)
      if (call.options.dryRun) {
        return pricedResult(session, { groups: formattingGroups, present: [] })
      }
      const id = await createFormattedSnapshot(session, gib)
      return { lines: [id], json: { cluster: session.name, snapshot: id } }
    },
  },
  {
    name: "create-storage",
    usage: "CLUSTER ROLE N SPEC-FILE",
    summary: "volumes for N nodes of a role, as the JSON file specifies them",
    options: ["availability-zone"],
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 3, 3)
      const { name: cluster, settings } = session
      const role = requireRole(rest[0] ?? "")
      const count = parseCount("nodes", rest[1] ?? "", 1, 100)
      const specs = readStorageSpec(rest[2] ?? "", role)
      const zone = settings.availabilityZone ?? (await findNodes(session))[0]?.zone
      if (!zone) throw new Failed("create-storage", "no zone is known (--availability-zone)")
      const { dryRun } = call.options
      const make = () => createStorage(session, role, count, specs, { zone, dryRun })
      const { ids, hourlyCost } = await (dryRun ? make() : aloneWith(session, "create-storage", make))
      return {
        lines: dryRun ? [`$${hourlyCost.toFixed(4)}/h`] : ids,
        json: { cluster, ids, hourly_cost: hourlyCost },
      }
    },
  },
  {
    name: "list-storage",
    usage: "CLUSTER",
    summary: "the volumes and what they are attached to",
    async run(deps, call) {
      const { session } = openByName(deps, call, 0, 0)
      const stored = await listStorage(session)
      for (const { id, gib } of await unlisted(session)) {
        deps.terminal.warn(`${id} (${gib} GiB) carries the cluster's tags and is not in its file`)
      }
      return { lines: stored.map(clusterStorageLine), json: stored }
    },
  },
  {
    name: "attach-storage",
    usage: "CLUSTER ROLE",
    summary: "attaches a role's volumes to its running nodes",
    async run(deps, call) {
      const { session, rest } = openByName(deps, call, 1, 1)
      const { name: cluster } = session
      const only = requireRole(rest[0] ?? "")
      const { dryRun } = call.options
      const ids = await attachStorage(session, await requireNodes(session), { only, dryRun })
      return { lines: ids, json: { cluster, ids } }
    },
  },
  {
    name: "delete-storage",
    usage: "CLUSTER",
    summary: "deletes the volumes that its file lists and that carry your tags, after a yes",
    async run(deps, call) {
      const { session } = openByName(deps, call, 0, 0)
      const { name: cluster } = session
      const stored = await listStorage(session)
      const ids = stored.filter(({ volume }) => volume !== null).map(({ id }) => id)
      if (stored.length === 0) return { lines: [`${cluster} has no storage.`], json: { cluster, ids } }
      if (call.options.dryRun) return { lines: ids, json: { cluster, ids } }
      const facts = stored.map(
        ({ role, id, volume }) => `  ${role} ${id} ${volume ? `${volume.gib} GiB` : "not yours"}`,
      )
      if (!(await confirm(deps, call.options, facts, "Delete these volumes and what is on them?"))) {
        return notDone
      }
      const work = () => deleteStorage(session)
      const deleted = await aloneWith(session, "delete-storage", work)
      return { lines: deleted.map((id) => `${id} deleted`), json: { cluster, ids: deleted } }
    },
  },
]
