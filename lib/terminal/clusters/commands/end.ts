/** Commands that end nodes and clusters, and the list of workers. */
import { plural } from "../../../base/text.ts"
import { prepareConnection } from "../../../operations/clusters/connect.ts"
import type { ClusterDeps } from "../../../operations/clusters/deps.ts"
import { tellEnding } from "../../../operations/clusters/ended.ts"
import { clusterGroups } from "../../../operations/clusters/groups.ts"
import { countComing, removeJournal } from "../../../operations/clusters/journal.ts"
import { requireMaster, requireNodes } from "../../../operations/clusters/nodes.ts"
import { stopCluster } from "../../../operations/clusters/stop_start.ts"
import { nodesToEnd, terminateCluster } from "../../../operations/clusters/terminate.ts"
import {
  chooseWorkers,
  pushWorkers,
  removeWorkers,
  workersList,
} from "../../../operations/clusters/workers.ts"
import { connectOptions } from "../cluster_arguments.ts"
import { usageLines } from "../cluster_lines.ts"
import { anyNumber, type Call, type Command, confirm, notDone, openByName, openCluster } from "../command.ts"

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
    summary: "terminates them, and deletes the cluster's security groups",
    run: (deps, call) => terminate(deps, call, { groups: true }),
  },
  {
    name: "stop",
    usage: "CLUSTER",
    summary: "stops all of its instances; their volumes stay and cost, start starts them again",
    async run(deps, call) {
      const { session } = openByName(deps, call, 0, 0)
      const reply = await stopCluster(session, call.options)
      return { ...reply, json: { cluster: session.name, ...reply } }
    },
  },
  {
    name: "remove-workers",
    usage: "CLUSTER N|NODE…",
    summary: "decommissions the N youngest or the named workers, then terminates them",
    options: [...connectOptions, "skip-decommission"],
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 1, anyNumber)
      const nodes = await requireNodes(session)
      const leaving = chooseWorkers(nodes, rest)
      const ids = leaving.map(({ id }) => id)
      const result = { lines: ids, json: { cluster: session.name, ids } }
      if (call.options.dryRun) return result
      const question = `Remove ${plural(ids.length, "worker")}?`
      if (!(await confirm(deps, call.options, usageLines(session, leaving), question))) return notDone
      const decommission = !call.options.skipDecommission
      if (decommission) await prepareConnection(session, requireMaster(session.name, nodes))
      await removeWorkers(session, nodes, leaving, { decommission })
      return result
    },
  },
  {
    name: "update-slaves-file",
    aliases: ["update-workers-file"],
    usage: "CLUSTER",
    summary: "writes the workers' list on the master",
    options: connectOptions,
    async run(deps, call) {
      const { session } = openCluster(deps, call, 0, 0)
      const nodes = await requireNodes(session)
      const master = requireMaster(session.name, nodes)
      if (!call.options.dryRun) {
        await prepareConnection(session, master)
        await pushWorkers(session, nodes)
      }
      const workers = workersList(nodes)
      return { lines: workers, json: { cluster: session.name, workers } }
    },
  },
]

async function terminate(deps: ClusterDeps, call: Call, { groups }: { groups: boolean }) {
  const { session } = openByName(deps, call, 0, 0)
  const { name: cluster } = session
  const { nodes, unlisted } = await nodesToEnd(session)
  const ids = [...nodes.map(({ id }) => id), ...unlisted]
  const names = groups ? (await clusterGroups(session)).map(({ name }) => name) : []
  let coming = countComing(session)
  if (ids.length + names.length + coming === 0) {
    // A launch that is between two groups of nodes goes on unless it is told.
    if (!call.options.dryRun) tellEnding(session)
    coming = countComing(session)
    if (!call.options.dryRun && coming === 0) removeJournal(session)
    if (coming === 0)
      return { lines: [`${cluster} has nothing left.`], json: { cluster, terminated: [], groups: [] } }
  }
  const facts = usageLines(session, nodes)
  if (unlisted.length > 0) facts.push(`Not listed by AWS yet: ${unlisted.join(" ")}`)
  if (coming > 0) facts.push(`ec2-run is launching ${plural(coming, "node")} more`)
  if (names.length > 0) facts.push(`Security groups: ${names.join(" ")}`)
  if (call.options.dryRun) return { lines: facts, json: { cluster, terminated: ids, groups: names } }
  const question =
    ids.length + coming > 0
      ? `Terminate ${plural(ids.length + coming, "instance")}?`
      : "Delete the security groups?"
  if (!(await confirm(deps, call.options, facts, question))) return notDone
  const done = await terminateCluster(session, { groups })
  return {
    lines: [
      ...done.terminated.map((id) => `${id} terminated`),
      ...done.groups.map((name) => `security group ${name} deleted`),
    ],
    json: { cluster, ...done },
  }
}
