/** Commands that only look, and the lease. */
import { ExitCode, Failed, UsageError } from "../../../base/errors.ts"
import { toUsd } from "../../../base/money.ts"
import { quoted } from "../../../base/text.ts"
import { parseDuration } from "../../../base/time.ts"
import { services } from "../../../decisions/clusters/roles.ts"
import { extendClusterLeases } from "../../../operations/clusters/active.ts"
import type { ClusterDeps } from "../../../operations/clusters/deps.ts"
import { findNodes, nodeNamed, requireMaster, requireNodes } from "../../../operations/clusters/nodes.ts"
import { checkSettings } from "../../../operations/clusters/settings_file.ts"
import { sshCommand } from "../../../operations/clusters/ssh.ts"
import { clusterStatus, listClusters } from "../../../operations/clusters/status.ts"
import {
  defaultTimeoutMs,
  type Goal,
  goalsOf,
  waitingFrom,
  waitUntilReady,
  waitUntilRunning,
} from "../../../operations/clusters/wait.ts"
import { connectOptions } from "../cluster_arguments.ts"
import { clusterLine, nodeJson, nodeLines, nodeStatusLine, serviceLines } from "../cluster_lines.ts"
import { type Call, type Command, openByName, openCluster, runConnected } from "../command.ts"

export const inspectCommands: Command[] = [
  {
    name: "list",
    usage: "[CLUSTER]",
    summary: "your clusters, those that are stopped, too, or the instances of one",
    async run(deps, call) {
      if (call.words.length === 0) return clusterList(deps)
      const { session } = openByName(deps, call, 0, 0)
      const nodes = await findNodes(session)
      return { lines: nodeLines(nodes, deps.clock.now()), json: nodes.map(nodeJson) }
    },
  },
  {
    name: "status",
    usage: "CLUSTER",
    summary: "each node's boot phase, each service's members",
    options: connectOptions,
    async run(deps, call) {
      const { session } = openCluster(deps, call, 0, 0)
      const { name: cluster } = session
      const { nodes, services } = await clusterStatus(session, await findNodes(session))
      if (nodes.length === 0) return { lines: [`${cluster} has no instances.`], json: { cluster, nodes } }
      return {
        lines: [...nodes.map(nodeStatusLine), ...serviceLines(services)],
        json: {
          cluster,
          nodes: nodes.map(({ node, hostKey, boot }) => ({ ...nodeJson(node), host_key: hostKey, boot })),
          services,
        },
      }
    },
  },
  {
    name: "wait",
    usage: "CLUSTER",
    summary: "until it is ready; --for boot, hdfs, yarn or spark",
    options: [...connectOptions, "for"],
    run: wait,
  },
  {
    name: "logs",
    usage: "CLUSTER [NODE]",
    summary: "the boot script's and the daemons' last lines, of the master or a node",
    options: connectOptions,
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 0, 1)
      const nodes = await requireNodes(session)
      const node = rest[0] === undefined ? requireMaster(session.name, nodes) : nodeNamed(nodes, rest[0])
      const look =
        "cat /var/lib/hadoop-ec2/status; sudo -n tail -n 100 /var/log/cloud-init-output.log; hadoop-ec2-node logs"
      return runConnected(session, call, node, sshCommand(session, node, [look]))
    },
  },
  {
    name: "console",
    usage: "CLUSTER NODE",
    summary: "a node's console output",
    async run(deps, call) {
      const { session, rest } = openByName(deps, call, 1, 1)
      const nodes = await findNodes(session)
      if (nodes.length === 0) throw new Failed("cluster", `${quoted(session.name)} has no instances of yours`)
      const node = nodeNamed(nodes, rest[0] ?? "")
      const ec2 = await deps.ec2()
      const text = await ec2.freshConsole(node.id)
      // A console can hold anything; a terminal should not be told to do it.
      const lines = text
        .split(/\r?\n/)
        .map((line) => line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ""))
      return { lines, json: { id: node.id, output: text } }
    },
  },
  {
    name: "extend",
    usage: "CLUSTER DURATION",
    summary: "moves the end of the lease of all nodes, e.g. 2h",
    run: extend,
  },
  {
    name: "config",
    usage: "check",
    summary: "checks clusters.cfg and names every mistake",
    async run(deps, { words }) {
      if (words.join(" ") !== "check")
        throw new UsageError("config", `is ${quoted(words.join(" "))}, wanted check`)
      const checked = checkSettings(deps)
      const broken = checked.some(({ settings }) => settings === null)
      return {
        lines: checked.flatMap(({ section, problems }) =>
          problems.length === 0
            ? [`[${section}] is right`]
            : problems.map((problem) => `[${section}] ${problem}`),
        ),
        json: checked.map(({ section, problems }) => ({ section, problems })),
        ...(broken ? { code: ExitCode.usage } : {}),
      }
    },
  },
]

async function clusterList(deps: ClusterDeps) {
  const clusters = await listClusters(deps)
  return {
    lines: clusters.map(clusterLine),
    json: clusters.map((cluster) => ({
      name: cluster.name,
      masters: cluster.masters,
      workers: cluster.workers,
      stopped: cluster.stopped,
      age_ms: cluster.ageMs,
      lease_end: cluster.leaseEnd || null,
      hourly_cost: cluster.hourlyMicroUsd === null ? null : toUsd(cluster.hourlyMicroUsd),
    })),
  }
}

async function wait(deps: ClusterDeps, call: Call) {
  const { session } = openCluster(deps, call, 0, 0)
  const { name: cluster, settings } = session
  const asked = call.options.goals
  if (asked !== null && !["boot", ...services].includes(asked)) {
    throw new UsageError("wait", `--for is ${quoted(asked)}, wanted boot, ${services.join(", ")}`)
  }
  const found = await requireNodes(session)
  const goals = asked === null ? goalsOf(found, settings.userDataFile === null) : [asked as Goal]
  const unserved = goals.filter((goal) => goal !== "boot" && !goalsOf(found, true).includes(goal))
  if (unserved.length > 0) throw new Failed("wait", `${cluster} has no nodes for ${unserved.join(", ")}`)
  const waiting = waitingFrom(deps, deps.timeoutMs ?? defaultTimeoutMs)
  const ids = found.map(({ id }) => id)
  const nodes = await waitUntilRunning(deps, ids, waiting)
  const state = await waitUntilReady(session, nodes, goals, waiting)
  return {
    lines: [`${cluster} is ready: ${goals.join(", ")}`],
    json: { cluster, boots: Object.fromEntries(state.boots), services: state.services },
  }
}

async function extend(deps: ClusterDeps, call: Call) {
  const { session, rest } = openByName(deps, call, 1, 1)
  const [text = ""] = rest
  if (parseDuration(text) === null) {
    throw new UsageError("extend", `${quoted(text)} is not a duration such as 2h or 90m`)
  }
  const ids = (await requireNodes(session)).map(({ id }) => id)
  const { code, lines } = await extendClusterLeases(deps, ids, text, call.options)
  return { lines, json: { cluster: session.name, ids, duration: text, code }, code }
}
