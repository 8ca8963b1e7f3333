/** login, exec, push and pull: ssh and scp as if the person had called them, with their exit codes. */
import { connect } from "node:net"
import type { ClusterSettings } from "../../decisions/clusters/settings.ts"
import type { ClusterDeps } from "./deps.ts"
import { followClient } from "./groups.ts"
import { hostKeyMismatch, requireHostKeys } from "./host_keys.ts"
import { addressOf, type ClusterNode } from "./nodes.ts"
import { sshCommand, sshFailed, sshOptions } from "./ssh.ts"

const probeMs = 5_000

/**
 * Makes sure that a connection can be made and checked. Where the node does not answer, the client may have another address
 * than at the launch: the rule then follows it.
 */
export async function prepareConnection(
  deps: ClusterDeps,
  settings: ClusterSettings,
  node: ClusterNode,
): Promise<void> {
  if (isDirect(settings) && !(await answers(addressOf(node), sshPort))) {
    if (await followClient(deps, node.cluster, settings)) {
      deps.terminal.note(`hadoop_ec2: this host has a new address, ssh is now open to it`)
    }
  }
  await requireHostKeys(deps, settings, node)
}

const sshPort = 22

/** Whether ssh goes straight to port 22, so that asking that port says something. */
function isDirect({ sshOptions }: ClusterSettings): boolean {
  return !sshOptions.some((word) => /^(-o)?(-J|-p|-F|ProxyJump|ProxyCommand|Port)/i.test(word))
}

/** Whether the port takes a connection; a refusal is an answer too. */
function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: probeMs })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", () => end(true))
    socket.once("timeout", () => end(false))
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED"))
  })
}

/** Runs a command on the node, or a login shell where there is none; returns ssh's code, which is the command's. */
export async function runOnNode(
  deps: ClusterDeps,
  settings: ClusterSettings,
  node: ClusterNode,
  command: readonly string[],
): Promise<number> {
  await prepareConnection(deps, settings, node)
  const code = await deps.programs.runAttached(sshCommand(deps, settings, node, command))
  return explained(deps, node, code)
}

/** Copies a file to the node's home, or to where `to` says. */
export function pushFile(
  deps: ClusterDeps,
  settings: ClusterSettings,
  node: ClusterNode,
  from: string,
  to: string,
): Promise<number> {
  return copy(deps, settings, node, [localPath(from), remotePath(settings, node, to)])
}

export function pullFile(
  deps: ClusterDeps,
  settings: ClusterSettings,
  node: ClusterNode,
  from: string,
  to: string,
): Promise<number> {
  return copy(deps, settings, node, [remotePath(settings, node, from), localPath(to)])
}

async function copy(
  deps: ClusterDeps,
  settings: ClusterSettings,
  node: ClusterNode,
  paths: readonly string[],
): Promise<number> {
  await prepareConnection(deps, settings, node)
  const options = sshOptions(deps, settings, node)
  return explained(
    deps,
    node,
    await deps.programs.runAttached(["scp", "-r", "-p", ...options, "--", ...paths]),
  )
}

/** What has a colon is a host to scp, unless a slash comes first. */
function localPath(path: string): string {
  return path.startsWith("/") || path.startsWith(".") ? path : `./${path}`
}

function remotePath(settings: ClusterSettings, node: ClusterNode, path: string): string {
  const address = addressOf(node)
  return `${settings.sshUser}@${address.includes(":") ? `[${address}]` : address}:${path}`
}

async function explained(deps: ClusterDeps, node: ClusterNode, code: number): Promise<number> {
  if (code !== sshFailed) return code
  const mismatch = await hostKeyMismatch(deps, node)
  if (mismatch) deps.terminal.note(`hadoop_ec2: ssh: ${mismatch}`)
  return code
}
