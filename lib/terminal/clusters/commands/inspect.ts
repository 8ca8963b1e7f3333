/** Commands that only look, and the lease. */
import { ExitCode, Failed, UsageError } from "../../../base/errors.ts"
import { quoted } from "../../../base/text.ts"
import { duration, parseDuration } from "../../../base/time.ts"
import { requireClusterName } from "../../../decisions/clusters/names.ts"
import { services } from "../../../decisions/clusters/roles.ts"
import type { ClusterDeps } from "../../../operations/clusters/deps.ts"
import { findNodes, nodeNamed, requireMaster, requireNodes } from "../../../operations/clusters/nodes.ts"
import { checkSettings } from "../../../operations/clusters/settings_file.ts"
import { sshCommand } from "../../../operations/clusters/ssh.ts"
import { clusterStatus, listClusters, nodeJson, nodeLines } from "../../../operations/clusters/status.ts"
import {
  defaultTimeoutMs,
  type Goal,
  goalsOf,
  waitingFrom,
  waitUntilReady,
  waitUntilRunning,
} from "../../../operations/clusters/wait.ts"
import { type Call, type Command, clusterCall, connected, sshOptionNames } from "../command.ts"

export const inspectCommands: Command[] = [
  {
    name: "list",
    usage: "[CLUSTER]",
    summary: "your clusters with a running master, or the instances of one",
    async run(deps, { words }) {
      const [cluster, extra] = words
      if (extra !== undefined) throw new UsageError("arguments", `unexpected argument ${quoted(extra)}`)
      if (cluster === undefined) return clusterList(deps)
      const nodes = await findNodes(deps, requireClusterName(cluster))
      return { lines: nodeLines(deps, nodes), json: nodes.map(nodeJson) }
    },
  },
  {
    name: "status",
    usage: "CLUSTER",
    summary: "each node's boot phase, each service's members",
    options: sshOptionNames,
    async run(deps, call) {
      const { cluster, settings } = clusterCall(deps, call, 0, 0)
      const { nodes, services } = await clusterStatus(deps, settings, await findNodes(deps, cluster))
      if (nodes.length === 0) return { lines: [`${cluster} has no instances.`], json: { cluster, nodes } }
      return {
        lines: [
          ...nodes.map(({ node, hostKey, boot }) =>
            [
              node.id,
              node.roles.join(","),
              node.state,
              boot
                ? `${boot.phase || "boot"} ${boot.state}${boot.detail ? `: ${boot.detail}` : ""}`
                : "not asked",
              hostKey === "verified" ? "" : `host key ${hostKey}`,
            ]
              .join("\t")
              .trimEnd(),
          ),
          ...Object.entries(services).map(
            ([name, { up, members, expected }]) => `${name}\t${up ? `${members} of ${expected}` : "down"}`,
          ),
        ],
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
    options: [...sshOptionNames, "for", "timeout"],
    run: wait,
  },
  {
    name: "logs",
    usage: "CLUSTER [NODE]",
    summary: "the boot script's and the daemons' last lines, of the master or a node",
    options: sshOptionNames,
    async run(deps, call) {
      const { cluster, settings, rest } = clusterCall(deps, call, 0, 1)
      const nodes = await requireNodes(deps, cluster)
      const node = rest[0] === undefined ? requireMaster(cluster, nodes) : nodeNamed(nodes, rest[0])
      const look =
        "cat /var/lib/hadoop-ec2/status; sudo -n tail -n 100 /var/log/cloud-init-output.log; hadoop-ec2-node logs"
      return connected(deps, call, settings, node, sshCommand(deps, settings, node, [look]))
    },
  },
  {
    name: "console",
    usage: "CLUSTER NODE",
    summary: "a node's console output",
    async run(deps, call) {
      const { cluster, rest } = clusterCall(deps, call, 1, 1)
      const nodes = await findNodes(deps, cluster)
      if (nodes.length === 0) throw new Failed("cluster", `${quoted(cluster)} has no instances of yours`)
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
    summary: "what is wrong with clusters.cfg",
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
    lines: clusters.map(({ name, masters, workers, ageMs, leaseEnd }) =>
      [name, `${masters}+${workers}`, duration(ageMs), leaseEnd && `until ${leaseEnd}`].join("\t").trimEnd(),
    ),
    json: clusters.map(({ name, masters, workers, ageMs, leaseEnd }) => ({
      name,
      masters,
      workers,
      age_ms: ageMs,
      lease_end: leaseEnd || null,
    })),
  }
}

async function wait(deps: ClusterDeps, call: Call) {
  const { cluster, settings } = clusterCall(deps, call, 0, 0)
  const asked = call.options.goals
  if (asked !== null && !["boot", ...services].includes(asked)) {
    throw new UsageError("wait", `--for is ${quoted(asked)}, wanted boot, ${services.join(", ")}`)
  }
  const found = await requireNodes(deps, cluster)
  const goals = asked === null ? goalsOf(found, settings.userDataFile === null) : [asked as Goal]
  const unserved = goals.filter((goal) => goal !== "boot" && !goalsOf(found, true).includes(goal))
  if (unserved.length > 0) throw new Failed("wait", `${cluster} has no nodes for ${unserved.join(", ")}`)
  const waiting = waitingFrom(deps, deps.timeoutMs ?? defaultTimeoutMs)
  const ids = found.map(({ id }) => id)
  const nodes = await waitUntilRunning(deps, ids, waiting)
  const state = await waitUntilReady(deps, cluster, settings, nodes, goals, waiting)
  return {
    lines: [`${cluster} is ready: ${goals.join(", ")}`],
    json: { cluster, boots: Object.fromEntries(state.boots), services: state.services },
  }
}

async function extend(deps: ClusterDeps, call: Call) {
  const { cluster, rest } = clusterCall(deps, call, 1, 1)
  const [text = ""] = rest
  if (parseDuration(text) === null) {
    throw new UsageError("extend", `${quoted(text)} is no duration such as 2h or 90m`)
  }
  const nodes = await requireNodes(deps, cluster)
  const ids = nodes.map(({ id }) => id)
  const dryRun = call.options.dryRun ? ["--dry-run"] : []
  const { code, stdout, stderr } = await deps.programs.run([deps.active, "--extend", ...dryRun, ...ids, text])
  if (stderr.trim() !== "") deps.terminal.note(stderr.trim())
  return {
    lines: stdout.trim() === "" ? [] : stdout.trimEnd().split("\n"),
    json: { cluster, ids, duration: text, code },
    code,
  }
}
