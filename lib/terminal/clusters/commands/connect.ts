/** Commands that go to nodes through ssh. */
import { UsageError } from "../../../base/errors.ts"
import { plural } from "../../../base/text.ts"
import { hostKeysIn, knownHostsLine } from "../../../decisions/ssh/host_keys.ts"
import { shellCommand } from "../../../decisions/ssh/shell_words.ts"
import { prepareConnection, pullCommand, pushCommand } from "../../../operations/clusters/connect.ts"
import type { ClusterDeps, ClusterSession } from "../../../operations/clusters/deps.ts"
import { nodesWith, runOnEach } from "../../../operations/clusters/fan_out.ts"
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
import { connectOptions, targetOptions } from "../cluster_arguments.ts"
import {
  anyNumber,
  type Call,
  type Command,
  type CommandResult,
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
    usage: "CLUSTER [--all|--role ROLE] COMMAND…",
    summary:
      "a command on the master, or on many nodes; one word is read by their shell, several arrive as they are",
    options: [...connectOptions, ...targetOptions],
    async run(deps, given) {
      const call = withTargetWords(given)
      if (!isForMany(call)) {
        const { session, node, rest } = await target(deps, call, 1, anyNumber)
        return runConnected(session, call, node, sshCommand(session, node, rest))
      }
      const { session, rest } = openCluster(deps, call, 1, anyNumber)
      requireNoNul(rest)
      return onMany(session, call, (node) => sshCommand(session, node, rest, { batch: true }))
    },
  },
  {
    name: "push",
    usage: "CLUSTER FILE [TO] [--all|--role ROLE]",
    summary: "copies a file or directory to the master's home, or to many nodes'",
    options: [...connectOptions, ...targetOptions],
    async run(deps, call) {
      if (isForMany(call)) {
        const { session, rest } = openCluster(deps, call, 1, 2)
        requireNoNul(rest)
        const [from = "", to = ""] = rest
        return onMany(session, call, (node) => pushCommand(session, node, from, to, { batch: true }))
      }
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
  requireNoNul(rest)
  const node = name === undefined ? requireMaster(session.name, nodes) : nodeNamed(nodes, name)
  return { session, node, rest }
}

function requireNoNul(words: readonly string[]): void {
  if (words.some((word) => word.includes("\0")))
    throw new UsageError("arguments", "must not contain NUL bytes")
}

function isForMany({ options }: Call): boolean {
  return options.all || options.role !== null
}

/** What stands between the cluster's name and the remote command are our own options: `exec words --role sw uptime`. */
function withTargetWords({ words, options }: Call): Call {
  const [cluster = "", ...rest] = words
  let { all, role } = options
  for (;;) {
    const [word = ""] = rest
    if (word === "--all") all = true
    else if (word === "--role") role = rest.splice(0, 1) && (rest[0] ?? "")
    else if (word.startsWith("--role=")) role = word.slice("--role=".length)
    else break
    rest.shift()
  }
  if (rest[0] === "--") rest.shift()
  return { words: words.length === 0 ? [] : [cluster, ...rest], options: { ...options, all, role } }
}

/** Runs it on the nodes that the options choose; every line that they print begins with the node's id. */
async function onMany(
  session: ClusterSession,
  { options: { all, role, dryRun, json } }: Call,
  commandFor: (node: ClusterNode) => string[],
): Promise<CommandResult> {
  if (all && role !== null) throw new UsageError("options", "--all and --role exclude each other")
  const { deps, name: cluster } = session
  const nodes = await nodesWith(session, role)
  if (dryRun) {
    const commands = nodes.map((node) => ({ id: node.id, command: commandFor(node) }))
    return { lines: commands.map(({ command }) => shellCommand(command)), json: { cluster, commands } }
  }
  await prepareConnection(session, nodes[0] as ClusterNode)
  const outcomes = await runOnEach(session, nodes, commandFor, ({ id, stream, text }) => {
    if (stream === "stderr") deps.terminal.note(`${id}: ${text}`)
    else if (!json) deps.terminal.line(`${id}: ${text}`)
  })
  const failed = outcomes.filter(({ code }) => code !== 0)
  const codes = failed.map(({ id, code }) => `${id} (${code})`).join(" ")
  if (failed.length > 0)
    deps.terminal.warn(`exit codes: not 0 on ${failed.length} of ${plural(nodes.length, "node")}: ${codes}`)
  return { json: { cluster, nodes: outcomes }, code: Math.max(0, ...failed.map(({ code }) => code)) }
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
