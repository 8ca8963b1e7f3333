/** Commands that take away: nodes, clusters, workers of the list. */
import { plural } from "../../../base/text.ts"
import { prepareConnection } from "../../../operations/clusters/connect.ts"
import type { ClusterDeps } from "../../../operations/clusters/deps.ts"
import { tellEnding } from "../../../operations/clusters/ended.ts"
import { clusterGroups } from "../../../operations/clusters/groups.ts"
import { countComing, removeJournal } from "../../../operations/clusters/journal.ts"
import { requireMaster, requireNodes } from "../../../operations/clusters/nodes.ts"
import { describeNodes, nodesToEnd, terminateCluster } from "../../../operations/clusters/terminate.ts"
import {
  chooseWorkers,
  pushWorkers,
  removeWorkers,
  workersList,
} from "../../../operations/clusters/workers.ts"
import { type Call, type Command, clusterCall, confirm, sshOptionNames } from "../command.ts"

const many = Number.POSITIVE_INFINITY

export const endCommands: Command[] = [
  {
    name: "terminate-cluster",
    aliases: ["terminate"],
    usage: "CLUSTER",
    summary: "terminates all of its instances after a yes (--yes, --force: without)",
    run: (deps, call) => terminate(deps, call, { groups: false }),
  },
  {
    name: "delete-cluster",
    aliases: ["delete"],
    usage: "CLUSTER",
    summary: "the same, and its security groups",
    run: (deps, call) => terminate(deps, call, { groups: true }),
  },
  {
    name: "remove-workers",
    usage: "CLUSTER N|NODE…",
    summary: "decommissions the N youngest or the named workers, then terminates them",
    options: [...sshOptionNames, "skip-decommission"],
    async run(deps, call) {
      const { cluster, settings, rest } = clusterCall(deps, call, 1, many)
      const nodes = await requireNodes(deps, cluster)
      const leaving = chooseWorkers(nodes, rest)
      const ids = leaving.map(({ id }) => id)
      if (call.options.dryRun) return { lines: ids, json: { cluster, ids } }
      const facts = describeNodes(deps, cluster, leaving)
      if (!(await confirm(deps, call.options, facts, `Remove ${plural(ids.length, "worker")}?`)))
        return notDone()
      const decommission = !call.options.skipDecommission
      if (decommission) await prepareConnection(deps, settings, requireMaster(cluster, nodes))
      await removeWorkers(deps, settings, cluster, nodes, leaving, { decommission })
      return { lines: ids, json: { cluster, ids } }
    },
  },
  {
    name: "update-slaves-file",
    aliases: ["update-workers-file"],
    usage: "CLUSTER",
    summary: "writes the workers' list on the master",
    options: sshOptionNames,
    async run(deps, call) {
      const { cluster, settings } = clusterCall(deps, call, 0, 0)
      const nodes = await requireNodes(deps, cluster)
      const master = requireMaster(cluster, nodes)
      if (call.options.dryRun) {
        const workers = workersList(nodes)
        return { lines: workers, json: { cluster, workers } }
      }
      await prepareConnection(deps, settings, master)
      const workers = await pushWorkers(deps, settings, cluster, nodes)
      return { lines: workers, json: { cluster, workers } }
    },
  },
]

async function terminate(deps: ClusterDeps, call: Call, { groups }: { groups: boolean }) {
  const { cluster } = clusterCall(deps, call, 0, 0)
  const { nodes, unlisted } = await nodesToEnd(deps, cluster)
  const ids = [...nodes.map(({ id }) => id), ...unlisted]
  const names = groups ? (await clusterGroups(deps, cluster)).map(({ name }) => name) : []
  let coming = countComing(deps, cluster)
  if (ids.length + names.length + coming === 0) {
    // A launch that is between two groups of nodes goes on unless it is told.
    if (!call.options.dryRun) tellEnding(deps, cluster)
    coming = countComing(deps, cluster)
    if (!call.options.dryRun && coming === 0) removeJournal(deps, cluster)
    if (coming === 0)
      return { lines: [`${cluster} has nothing left.`], json: { cluster, terminated: [], groups: [] } }
  }
  const facts = describeNodes(deps, cluster, nodes)
  if (unlisted.length > 0) facts.push(`Not listed by AWS yet: ${unlisted.join(" ")}`)
  if (coming > 0) facts.push(`ec2-run is launching ${plural(coming, "node")} more`)
  if (names.length > 0) facts.push(`Security groups: ${names.join(" ")}`)
  if (call.options.dryRun) return { lines: facts, json: { cluster, terminated: ids, groups: names } }
  const question =
    ids.length + coming > 0
      ? `Terminate ${plural(ids.length + coming, "instance")}?`
      : "Delete the security groups?"
  if (!(await confirm(deps, call.options, facts, question))) return notDone()
  const done = await terminateCluster(deps, cluster, { groups })
  return {
    lines: [
      ...done.terminated.map((id) => `${id} terminated`),
      ...done.groups.map((name) => `security group ${name} deleted`),
    ],
    json: { cluster, ...done },
  }
}

function notDone() {
  return { lines: ["Nothing was done."], json: { done: false } }
}
