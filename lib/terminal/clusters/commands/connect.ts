/** Commands that go to nodes through ssh. */
import { UsageError } from "../../../base/errors.ts"
import { hostKeysIn, knownHostsLine } from "../../../decisions/clusters/host_keys.ts"
import { pullCommand, pushCommand } from "../../../operations/clusters/connect.ts"
import type { ClusterDeps, ClusterSession } from "../../../operations/clusters/deps.ts"
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
import { connectOptions } from "../cluster_arguments.ts"
import {
  anyNumber,
  type Call,
  type Command,
  commandShown,
  openByName,
  openCluster,
  runConnected,
} from "../command.ts"

export const connectCommands: Command[] = [
  {
    name: "login",
    usage: "CLUSTER [NODE]",
    summary: "a shell on the master, or on a node by id or number",
    options: connectOptions,
    async run(deps, call) {
      const { session, node } = await target(deps, call, 0, 1, 0)
      return runConnected(session, call, node, sshCommand(session, node, []))
    },
  },
  {
    name: "exec",
    usage: "CLUSTER COMMAND…",
    summary: "a command on the master; one word is read by its shell, several arrive as they are",
    options: connectOptions,
    async run(deps, call) {
      const words = call.words[1] === "--" ? call.words.toSpliced(1, 1) : call.words
      const { session, node, rest } = await target(deps, { ...call, words }, 1, anyNumber)
      return runConnected(session, call, node, sshCommand(session, node, rest))
    },
  },
  {
    name: "push",
    usage: "CLUSTER FILE [TO]",
    summary: "copies a file or directory to the master's home",
    options: connectOptions,
    async run(deps, call) {
      const { session, node, rest } = await target(deps, call, 1, 2)
      return runConnected(session, call, node, pushCommand(session, node, rest[0] ?? "", rest[1] ?? ""))
    },
  },
  {
    name: "pull",
    usage: "CLUSTER FILE [TO]",
    summary: "copies a file or directory from the master",
    options: connectOptions,
    async run(deps, call) {
      const { session, node, rest } = await target(deps, call, 1, 2)
      return runConnected(session, call, node, pullCommand(session, node, rest[0] ?? "", rest[1] ?? "."))
    },
  },
  {
    name: "proxy",
    usage: "CLUSTER",
    summary: "a SOCKS port; prints shell to eval. Every user of this host can use it: see ui",
    options: [...connectOptions, "proxy-port"],
    async run(deps, call) {
      const { session, node } = await target(deps, call, 0, 0)
      if (call.options.dryRun) return commandShown(socksCommand(session, node))
      const pid = await startSocksTunnel(session, node)
      return {
        lines: [`export HADOOP_CLOUD_PROXY_PID=${pid};`, `echo Proxy pid ${pid};`],
        json: { pid, port: session.settings.proxyPort },
      }
    },
  },
  {
    name: "ui",
    usage: "CLUSTER",
    summary: "the cluster's web pages on this host, for you alone, until Ctrl-C",
    options: connectOptions,
    async run(deps, call) {
      const { session } = openCluster(deps, call, 0, 0)
      const { name: cluster } = session
      const ui = await import("../../../operations/clusters/ui.ts")
      if (call.options.dryRun) {
        const pages = ui.pagesOfCluster(await requireNodes(session))
        return {
          lines: pages.map(({ title, host, port }) => `${title} (${host})\t${port}`),
          json: { cluster, pages },
        }
      }
      const { links, untilInterrupted } = await ui.serveUi(session)
      return {
        lines: links.map(({ title, url }) => `${title}\t${url}`),
        json: { cluster, links },
        async afterwards() {
          deps.terminal.note("Ctrl-C ends it.")
          await untilInterrupted()
        },
      }
    },
  },
  {
    name: "ssh-config",
    usage: "CLUSTER",
    summary: "lines for ~/.ssh/config, a host for each node",
    options: connectOptions,
    async run(deps, call) {
      const { session } = openCluster(deps, call, 0, 0)
      const nodes = await requireNodes(session)
      return {
        lines: nodes.flatMap((node, index) => sshConfigLines(session, node, index)),
        json: nodes.map((node, index) => ({
          host: hostName(session, index),
          id: node.id,
          address: addressOf(node),
          user: session.settings.sshUser,
          options: sshOptions(session, node),
        })),
      }
    },
  },
  {
    name: "known-hosts",
    usage: "CLUSTER",
    summary: "the nodes' host keys as lines of known_hosts",
    async run(deps, call) {
      const { session } = openByName(deps, call, 0, 0)
      const nodes = await requireNodes(session)
      for (const node of nodes) await learnHostKeys(session, node)
      const known = readText(clusterFile(session, "knownHosts")) ?? ""
      const entries = nodes.map((node) => ({
        id: node.id,
        state: hostKeyState(session, node),
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
  const { session, rest } = openCluster(deps, call, least, most)
  const nodes = await requireNodes(session)
  const name = named === undefined ? undefined : rest[named]
  if (rest.some((word) => word.includes("\0")))
    throw new UsageError("arguments", "must not contain NUL bytes")
  const node = name === undefined ? requireMaster(session.name, nodes) : nodeNamed(nodes, name)
  return { session, node, rest }
}

function sshConfigLines(session: ClusterSession, node: ClusterNode, index: number): string[] {
  const options = sshOptions(session, node)
  const lines: string[] = []
  for (let at = 0; at + 1 < options.length && options[at] !== undefined; at += 2) {
    const [flag, value = ""] = [options[at], options[at + 1]]
    if (flag === "-i") lines.push(`  IdentityFile "${value}"`)
    else if (flag === "-o") lines.push(`  ${value.replace("=", " ")}`)
  }
  return [
    `Host ${hostName(session, index)} ${node.id}`,
    `  HostName ${addressOf(node)}`,
    `  User ${session.settings.sshUser}`,
    ...lines,
  ]
}

function hostName({ name }: ClusterSession, index: number): string {
  return `${name}-${index}`
}
