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
import { type Command, clusterCall, confirm, launchOptions, sshOptionNames } from "../command.ts"
import { price } from "./launch.ts"

export const storeCommands: Command[] = [
  {
    name: "create-formatted-snapshot",
    usage: "CLUSTER GIB",
    summary: "a snapshot of an empty file system, formatted on a node launched for it",
    options: [...launchOptions, ...sshOptionNames],
    async run(deps, call) {
      const { cluster, settings, rest } = clusterCall(deps, call, 1, 1)
      const gib = parseCount("size", rest[0] ?? "", 1, 16_384)
      if (call.options.dryRun) {
        return price(deps, { cluster, settings, groups: formattingGroups, present: [] })
      }
      const id = await createFormattedSnapshot(deps, settings, cluster, gib)
      return { lines: [id], json: { cluster, snapshot: id } }
    },
  },
  {
    name: "create-storage",
    usage: "CLUSTER ROLE N SPEC-FILE",
    summary: "volumes for N nodes of a role, as the JSON file specifies them",
    options: ["availability-zone"],
    async run(deps, call) {
      const { cluster, settings, rest } = clusterCall(deps, call, 3, 3)
      const role = requireRole(rest[0] ?? "")
      const count = parseCount("nodes", rest[1] ?? "", 1, 100)
      const specs = readStorageSpec(rest[2] ?? "", role)
      const zone = settings.availabilityZone ?? (await findNodes(deps, cluster))[0]?.zone
      if (!zone) throw new Failed("create-storage", "no zone is known (--availability-zone)")
      const { dryRun } = call.options
      const make = () => createStorage(deps, cluster, role, count, specs, { zone, dryRun })
      const { ids, hourlyCost } = await (dryRun ? make() : aloneWith(deps, cluster, "create-storage", make))
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
      const { cluster } = clusterCall(deps, call, 0, 0)
      const stored = await listStorage(deps, cluster)
      for (const { id, gib } of await unlisted(deps, cluster)) {
        deps.terminal.warn(`${id} (${gib} GiB) carries the cluster's tags and is not in its file`)
      }
      return {
        lines: stored.map(({ role, id, device, mountPoint, volume }) =>
          [
            role,
            id,
            volume ? `${volume.gib} GiB` : "not yours",
            device,
            mountPoint,
            volume?.state ?? "-",
            volume?.attachedTo ?? "",
          ]
            .join("\t")
            .trimEnd(),
        ),
        json: stored,
      }
    },
  },
  {
    name: "attach-storage",
    usage: "CLUSTER ROLE",
    summary: "attaches a role's volumes to its running nodes",
    async run(deps, call) {
      const { cluster, rest } = clusterCall(deps, call, 1, 1)
      const only = requireRole(rest[0] ?? "")
      const { dryRun } = call.options
      const ids = await attachStorage(deps, cluster, await requireNodes(deps, cluster), { only, dryRun })
      return { lines: ids, json: { cluster, ids } }
    },
  },
  {
    name: "delete-storage",
    usage: "CLUSTER",
    summary: "deletes the volumes that its file lists and that carry your tags, after a yes",
    async run(deps, call) {
      const { cluster } = clusterCall(deps, call, 0, 0)
      const stored = await listStorage(deps, cluster)
      const ids = stored.filter(({ volume }) => volume !== null).map(({ id }) => id)
      if (stored.length === 0) return { lines: [`${cluster} has no storage.`], json: { cluster, ids } }
      if (call.options.dryRun) return { lines: ids, json: { cluster, ids } }
      const facts = stored.map(
        ({ role, id, volume }) => `  ${role} ${id} ${volume ? `${volume.gib} GiB` : "not yours"}`,
      )
      if (!(await confirm(deps, call.options, facts, "Delete these volumes and what is on them?"))) {
        return { lines: ["Nothing was done."], json: { done: false } }
      }
      const work = () => deleteStorage(deps, cluster)
      const deleted = await aloneWith(deps, cluster, "delete-storage", work)
      return { lines: deleted.map((id) => `${id} deleted`), json: { cluster, ids: deleted } }
    },
  },
]
