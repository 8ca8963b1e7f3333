/** ssh and scp to nodes: our host keys and our checking first, then what the settings add. Always lists of words. */
import { Failed } from "../../base/errors.ts"
import { shellCommand } from "../../decisions/ssh/shell_words.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile } from "./files.ts"
import { addressOf, type ClusterNode } from "./nodes.ts"

/** ssh's own failure, as opposed to the remote command's. */
export const sshFailed = 255

export interface SshOptions {
  /** Never asks anything: for what runs while nobody looks. */
  batch?: boolean
  /** Takes the key that the node shows: there is nothing to compare it with. */
  firstUse?: boolean
  connectSeconds?: number
  extra?: readonly string[]
}

/** Options for ssh and scp alike. ssh takes the first value it reads of each, so what stands here cannot be undone by the settings. */
export function sshOptions(
  session: ClusterSession,
  node: ClusterNode,
  { batch = false, firstUse = false, connectSeconds = 10, extra = [] }: SshOptions = {},
): string[] {
  const { settings } = session
  const options = {
    UserKnownHostsFile: quotedPath(clusterFile(session, "knownHosts")),
    GlobalKnownHostsFile: "/dev/null",
    // Addresses come back with other machines behind them; ids do not.
    HostKeyAlias: node.id,
    StrictHostKeyChecking: firstUse ? "accept-new" : "yes",
    CheckHostIP: "no",
    UpdateHostKeys: "no",
    HashKnownHosts: "no",
    ForwardAgent: "no",
    ConnectTimeout: String(connectSeconds),
    ServerAliveInterval: "30",
    ...(batch ? { BatchMode: "yes", LogLevel: "ERROR" } : {}),
    ...(settings.privateKey === null ? {} : { IdentitiesOnly: "yes" }),
  }
  return [
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    // ssh expands % in it.
    ...(settings.privateKey === null ? [] : ["-i", settings.privateKey.replaceAll("%", "%%")]),
    ...extra,
    ...settings.sshOptions,
  ]
}

/** `ssh … USER@HOST [COMMAND]`. Several words arrive as these words; a single one is the remote shell's to read. */
export function sshCommand(
  session: ClusterSession,
  node: ClusterNode,
  command: readonly string[],
  options: SshOptions = {},
): string[] {
  const { settings } = session
  const [only] = command
  const remote =
    command.length === 1 && only !== undefined ? [only] : command.length === 0 ? [] : [shellCommand(command)]
  return [
    "ssh",
    ...sshOptions(session, node, options),
    "-l",
    settings.sshUser,
    "--",
    addressOf(node),
    ...remote,
  ]
}

const remoteDeadlineMs = 60_000

/** Runs a command there and collects what it prints; never asks for anything. */
export function runRemote(
  session: ClusterSession,
  node: ClusterNode,
  command: readonly string[],
  {
    stdin,
    timeoutMs = remoteDeadlineMs,
    ...options
  }: SshOptions & { stdin?: string; timeoutMs?: number } = {},
) {
  const { deps } = session
  return deps.programs.run(sshCommand(session, node, command, { batch: true, ...options }), {
    timeoutMs,
    ...(stdin === undefined ? {} : { stdin }),
  })
}

/** The same, throwing Failed unless it succeeds. */
export async function requireRemote(
  session: ClusterSession,
  node: ClusterNode,
  command: readonly string[],
  options: SshOptions & { stdin?: string; timeoutMs?: number } = {},
): Promise<string> {
  const { code, stdout, stderr } = await runRemote(session, node, command, options)
  if (code === 0) return stdout
  throw new Failed(`ssh ${node.id}`, stderr.trim().split("\n").at(-1) || `${command[0]} ended with ${code}`)
}

/** UserKnownHostsFile takes several, separated by blanks, and expands `%` and `~`. */
function quotedPath(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`
}
