/**
 * The nodes' host keys. EC2's console shows what cloud-init printed at the first start, which nobody on the way to the node
 * can change: these are the keys we then insist on. Only where there is no such output do we trust the first use, and say so.
 */
import { hasCode } from "../../aws/protocol/errors.ts"
import { Failed } from "../../base/errors.ts"
import { msPerMinute } from "../../base/time.ts"
import { hostKeysIn, hostKeysOfConsole, sameHostKeys, withHostKeys } from "../../decisions/ssh/host_keys.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile, readText, writeText } from "./files.ts"
import { addressOf, type ClusterNode } from "./nodes.ts"
import { runRemote } from "./ssh.ts"

export type HostKeyState = "verified" | "unverified" | "unknown"

/** Console output appears within some minutes of the start, or never. */
const patienceMs = 5 * msPerMinute

/** Null where AWS shows no key of it yet. */
export function hostKeyState(session: ClusterSession, node: ClusterNode): HostKeyState {
  const known = readText(clusterFile(session, "knownHosts")) ?? ""
  if (hostKeysIn(known, node.id).length === 0) return "unknown"
  return unverifiedIds(session).includes(node.id) ? "unverified" : "verified"
}

/**
 * Looks once for the node's keys on its console and writes them into known_hosts. Keys taken at first use that turn out to
 * be others are replaced by the true ones, so that ssh refuses from then on.
 */
export async function learnHostKeys(session: ClusterSession, node: ClusterNode): Promise<HostKeyState> {
  const { deps } = session
  const state = hostKeyState(session, node)
  if (state === "verified") return state
  const keys = hostKeysOfConsole(await consoleOf(session, node))
  if (keys.length === 0) return state
  const path = clusterFile(session, "knownHosts")
  const known = readText(path) ?? ""
  if (!sameHostKeys(hostKeysIn(known, node.id), keys)) {
    deps.terminal.note(
      `${node.id} showed another host key than its console does: somebody may have been in between, the console's is used`,
    )
  }
  writeText(path, withHostKeys(known, node.id, keys))
  writeUnverified(
    session,
    unverifiedIds(session).filter((id) => id !== node.id),
  )
  return "verified"
}

/**
 * Makes sure that there is a key to compare with: the console's, or after a while without any the one that the node shows,
 * marked as unverified. False: neither yet.
 */
export async function settleHostKeys(session: ClusterSession, node: ClusterNode): Promise<boolean> {
  const { deps } = session
  if ((await learnHostKeys(session, node)) !== "unknown") return true
  if (deps.clock.now() - node.launchedAtUtcMs < patienceMs) return false
  const { code } = await runRemote(session, node, ["true"], { firstUse: true })
  if (code !== 0 || hostKeyState(session, node) === "unknown") return false
  writeUnverified(session, [...unverifiedIds(session), node.id])
  deps.terminal.note(`${node.id} has no console output: its host key is trusted as first seen, unverified`)
  return true
}

/** Waits until a connection can be checked; throws Failed after a while. */
export async function requireHostKeys(session: ClusterSession, node: ClusterNode): Promise<void> {
  const { deps } = session
  const deadline = deps.clock.now() + (deps.timeoutMs ?? patienceMs + msPerMinute)
  let isSaid = false
  while (!(await settleHostKeys(session, node))) {
    const left = deadline - deps.clock.now()
    if (left <= 0) {
      throw new Failed(`ssh ${node.id}`, `its host key is not known, and ${addressOf(node)} does not answer`)
    }
    if (!isSaid) deps.terminal.note(`Waiting for the host key of ${node.id} on its console ...`)
    isSaid = true
    await deps.clock.sleep(Math.min(5_000, left), deps.interrupt)
  }
}

/** Says whether ssh failed because the node has another key than its console showed. */
export async function hostKeyMismatch(
  session: ClusterSession,
  node: ClusterNode,
  port = 22,
): Promise<string | null> {
  const { deps } = session
  const known = hostKeysIn(readText(clusterFile(session, "knownHosts")) ?? "", node.id)
  const { stdout } = await deps.programs.run(
    ["ssh-keyscan", "-T", "5", "-p", String(port), "--", addressOf(node)],
    { timeoutMs: 15_000 },
  )
  const shown = hostKeysIn(stdout, addressOf(node))
  if (shown.length === 0 || sameHostKeys(shown, known)) return null
  return `${node.id} (${addressOf(node)}) shows another host key than ${
    unverifiedIds(session).includes(node.id) ? "at first use" : "its console printed"
  }: this is not the machine that was launched, or somebody is in between`
}

async function consoleOf({ deps }: ClusterSession, node: ClusterNode): Promise<string> {
  const ec2 = await deps.ec2()
  try {
    return await ec2.freshConsole(node.id)
  } catch (error) {
    if (hasCode(error, "InvalidInstanceID.NotFound", "UnauthorizedOperation")) return ""
    throw error
  }
}

function unverifiedIds(session: ClusterSession): string[] {
  const text = readText(clusterFile(session, "unverified")) ?? ""
  return text.split("\n").filter((id) => id !== "")
}

function writeUnverified(session: ClusterSession, ids: readonly string[]): void {
  writeText(clusterFile(session, "unverified"), ids.map((id) => `${id}\n`).join(""))
}
