/** Commands that go to nodes through ssh. */
import { UsageError } from "../../../base/errors.ts"
import { hostKeysIn, knownHostsLine } from "../../../decisions/clusters/host_keys.ts"
import type { ClusterSettings } from "../../../decisions/clusters/settings.ts"
import { pullCommand, pushCommand } from "../../../operations/clusters/connect.ts"
import type { ClusterDeps } from "../../../operations/clusters/deps.ts"
import { clusterFile, readText } from "../../../operations/clusters/files.ts"
import { hostKeyState, learnHostKeys } from "../../../operations/clusters/host_keys.ts"
import {
  addressOf,
  type ClusterNode,
  nodeNamed,
  requireMaster,
  requireNodes,
} from "../../../operations/clusters/nodes.ts"
import { socksCommand, startSocksTunnel } from "../../../operations/clusters/proxy_tunnel.ts"
import { sshCommand, sshOptions } from "../../../operations/clusters/ssh.ts"
import { type Call, type Command, clusterCall, connected, sshOptionNames, wouldRun } from "../command.ts"

const many = Number.POSITIVE_INFINITY

export const connectCommands: Command[] = [
  {
    name: "login",
    usage: "CLUSTER [NODE]",
    summary: "a shell on the master, or on a node by id or number",
    options: sshOptionNames,
    async run(deps, call) {
      const { settings, node } = await target(deps, call, 0, 1, 0)
      return connected(deps, call, settings, node, sshCommand(deps, settings, node, []))
    },
  },
  {
    name: "exec",
    usage: "CLUSTER COMMAND…",
    summary: "a command on the master; one word is read by its shell, several arrive as they are",
    options: sshOptionNames,
    async run(deps, call) {
      const words = call.words[1] === "--" ? call.words.toSpliced(1, 1) : call.words
      const { settings, node, rest } = await target(deps, { ...call, words }, 1, many)
      return connected(deps, call, settings, node, sshCommand(deps, settings, node, rest))
    },
  },
  {
    name: "push",
    usage: "CLUSTER FILE [TO]",
    summary: "copies a file or directory to the master's home",
    options: sshOptionNames,
    async run(deps, call) {
      const { settings, node, rest } = await target(deps, call, 1, 2)
      const argv = pushCommand(deps, settings, node, rest[0] ?? "", rest[1] ?? "")
      return connected(deps, call, settings, node, argv)
    },
  },
  {
    name: "pull",
    usage: "CLUSTER FILE [TO]",
    summary: "copies a file or directory from the master",
    options: sshOptionNames,
    async run(deps, call) {
      const { settings, node, rest } = await target(deps, call, 1, 2)
      const argv = pullCommand(deps, settings, node, rest[0] ?? "", rest[1] ?? ".")
      return connected(deps, call, settings, node, argv)
    },
  },
  {
    name: "proxy",
    usage: "CLUSTER",
    summary: "a SOCKS port; prints shell to eval. Every user of this host can use it: see ui",
    options: [...sshOptionNames, "proxy-port"],
    async run(deps, call) {
      const { settings, node } = await target(deps, call, 0, 0)
      if (call.options.dryRun) return wouldRun(socksCommand(deps, settings, node))
      const pid = await startSocksTunnel(deps, settings, node)
      return {
        lines: [`export HADOOP_CLOUD_PROXY_PID=${pid};`, `echo Proxy pid ${pid};`],
        json: { pid, port: settings.proxyPort },
      }
    },
  },
  {
    name: "ui",
    usage: "CLUSTER",
    summary: "the cluster's web pages on this host, for you alone, until Ctrl-C",
    options: sshOptionNames,
    async run(deps, call) {
      const { cluster, settings } = clusterCall(deps, call, 0, 0)
      const ui = await import("../../../operations/clusters/ui.ts")
      if (call.options.dryRun) {
        const pages = ui.pagesOfCluster(await requireNodes(deps, cluster))
        return {
          lines: pages.map(({ title, host, port }) => `${title} (${host})\t${port}`),
          json: { cluster, pages },
        }
      }
      const { links, untilInterrupted } = await ui.serveUi(deps, settings, cluster)
      return {
        lines: links.map(({ title, url }) => `${title}\t${url}`),
        json: { cluster, links },
        afterwards: untilInterrupted,
      }
    },
  },
  {
    name: "ssh-config",
    usage: "CLUSTER",
    summary: "lines for ~/.ssh/config, a host for each node",
    options: sshOptionNames,
    async run(deps, call) {
      const { cluster, settings } = clusterCall(deps, call, 0, 0)
      const nodes = await requireNodes(deps, cluster)
      return {
        lines: nodes.flatMap((node, index) => sshConfig(deps, settings, node, index)),
        json: nodes.map((node, index) => ({
          host: hostName(node, index),
          id: node.id,
          address: addressOf(node),
          user: settings.sshUser,
          options: sshOptions(deps, settings, node),
        })),
      }
    },
  },
  {
    name: "known-hosts",
    usage: "CLUSTER",
    summary: "the nodes' host keys as lines of known_hosts",
    async run(deps, call) {
      const { cluster } = clusterCall(deps, call, 0, 0)
      const nodes = await requireNodes(deps, cluster)
      for (const node of nodes) await learnHostKeys(deps, node)
      const known = readText(clusterFile(deps, cluster, "knownHosts")) ?? ""
      const entries = nodes.map((node) => ({
        id: node.id,
        state: hostKeyState(deps, node),
        keys: hostKeysIn(known, node.id),
        names: [node.id, node.publicDns, node.publicIp, node.privateIp].filter((name) => name !== ""),
      }))
      return {
        lines: entries.flatMap(({ id, state, keys, names }) => [
          ...(state === "verified" ? [] : [`# ${id}: ${state}`]),
          ...keys.map((key) => knownHostsLine(names.join(","), key)),
        ]),
        json: entries,
      }
    },
  },
]

/** The node meant: the one named by the word at `named`, else the master. */
async function target(deps: ClusterDeps, call: Call, least: number, most: number, named?: number) {
  const { cluster, settings, rest } = clusterCall(deps, call, least, most)
  const nodes = await requireNodes(deps, cluster)
  const name = named === undefined ? undefined : rest[named]
  if (rest.some((word) => word.includes("\0"))) throw new UsageError("arguments", "hold a NUL")
  const node = name === undefined ? requireMaster(cluster, nodes) : nodeNamed(nodes, name)
  return { settings, node, rest }
}

function sshConfig(deps: ClusterDeps, settings: ClusterSettings, node: ClusterNode, index: number): string[] {
  const options = sshOptions(deps, settings, node)
  const lines: string[] = []
  for (let at = 0; at + 1 < options.length && options[at] !== undefined; at += 2) {
    const [flag, value = ""] = [options[at], options[at + 1]]
    if (flag === "-i") lines.push(`  IdentityFile "${value}"`)
    else if (flag === "-o") lines.push(`  ${value.replace("=", " ")}`)
  }
  return [
    `Host ${hostName(node, index)} ${node.id}`,
    `  HostName ${addressOf(node)}`,
    `  User ${settings.sshUser}`,
    ...lines,
  ]
}

function hostName({ cluster }: ClusterNode, index: number): string {
  return `${cluster}-${index}`
}
