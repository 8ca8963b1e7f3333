/** ssh and scp as if the person had called them, with their exit codes: for login, exec, logs, push and pull. */
import { connect } from "node:net"
import type { ClusterSettings } from "../../decisions/clusters/settings.ts"
import type { ClusterSession } from "./deps.ts"
import { followClient } from "./groups.ts"
import { hostKeyMismatch, requireHostKeys } from "./host_keys.ts"
import { addressOf, type ClusterNode } from "./nodes.ts"
import { type SshOptions, sshFailed, sshOptions } from "./ssh.ts"

const probeMs = 5_000

/**
 * Makes sure that a connection can be made and checked. Where the node does not answer, the client may have another address
 * than at the launch: the rule then follows it.
 */
export async function prepareConnection(session: ClusterSession, node: ClusterNode): Promise<void> {
  const { deps, settings } = session
  if (isDirect(settings) && !(await answers(addressOf(node), sshPort))) {
    if (await followClient(session)) {
      deps.terminal.warn(`this host has a new address, ssh is now open to it`)
    }
  }
  await requireHostKeys(session, node)
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

/** Runs ssh or scp to the node as the person; returns its code, which for ssh is the remote command's. */
export async function runToNode(
  session: ClusterSession,
  node: ClusterNode,
  argv: readonly string[],
): Promise<number> {
  const { deps } = session
  await prepareConnection(session, node)
  const code = await deps.programs.runAttached(argv)
  if (code !== sshFailed) return code
  const mismatch = await hostKeyMismatch(session, node)
  if (mismatch) deps.terminal.warn(`ssh: ${mismatch}`)
  return code
}

/** Copies a file to the node's home, or to where `to` says. */
export function pushCommand(
  session: ClusterSession,
  node: ClusterNode,
  from: string,
  to: string,
  options: SshOptions = {},
): string[] {
  const { settings } = session
  return scp(session, node, [localPath(from), remotePath(settings, node, to)], options)
}

/** Copies a file from the node to where `to` says. */
export function pullCommand(session: ClusterSession, node: ClusterNode, from: string, to: string): string[] {
  const { settings } = session
  return scp(session, node, [remotePath(settings, node, from), localPath(to)])
}

function scp(
  session: ClusterSession,
  node: ClusterNode,
  paths: readonly string[],
  options: SshOptions = {},
): string[] {
  return ["scp", "-r", "-p", ...sshOptions(session, node, options), "--", ...paths]
}

/** What has a colon is a host to scp, unless a slash comes first. */
function localPath(path: string): string {
  return path.startsWith("/") || path.startsWith(".") ? path : `./${path}`
}

function remotePath(settings: ClusterSettings, node: ClusterNode, path: string): string {
  const address = addressOf(node)
  return `${settings.sshUser}@${address.includes(":") ? `[${address}]` : address}:${path}`
}
