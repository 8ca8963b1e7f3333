/**
 * Waiting for a cluster: one DescribeInstances per poll for all of its nodes, then one ssh to the master per poll for what its
 * daemons say. Nothing is asked once per node.
 */

import { AwsError, hasCode } from "../../aws/protocol/errors.ts"
import { Failed } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import { duration, later, msPerMinute, type UtcMs } from "../../base/time.ts"
import { masterOf } from "../../decisions/clusters/cluster_plan.ts"
import {
  type BootState,
  bootState,
  pollDelayMs,
  probeOf,
  type ServiceState,
  serviceState,
  servicesOf,
} from "../../decisions/clusters/readiness.ts"
import { rolesOfService, type Service } from "../../decisions/clusters/roles.ts"
import { shellCommand } from "../../decisions/ssh/shell_words.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { settleHostKeys } from "./host_keys.ts"
import { type ClusterNode, requireMaster, toNode } from "./nodes.ts"
import { runRemote } from "./ssh.ts"

export const statusFile = "/var/lib/hadoop-ec2/status"
export const defaultTimeoutMs = 20 * msPerMinute

export interface Waiting {
  startedUtcMs: UtcMs
  deadlineUtcMs: UtcMs
}

/** A wait that begins now and may take `timeoutMs`. */
export function waitingFrom(deps: ClusterDeps, timeoutMs: number): Waiting {
  const now = deps.clock.now()
  return { startedUtcMs: now, deadlineUtcMs: later(now, timeoutMs) }
}

/** How long AWS may not know an id that it gave out: its listings are eventually consistent. */
export const invisibleMs = 2 * msPerMinute

/**
 * Until all of these run. Throws Failed as soon as one has ended, with AWS's reason. Throttling makes it ask less often,
 * an id that is not visible yet is waited for.
 */
export async function waitUntilRunning(
  deps: ClusterDeps,
  ids: readonly string[],
  waiting: Waiting,
): Promise<ClusterNode[]> {
  const ec2 = await deps.ec2()
  let throttled = 1
  for (;;) {
    try {
      const nodes = (await ec2.instances({ ids: [...ids] })).map(toNode)
      throttled = 1
      refuseEnded(nodes)
      deps.terminal.nodes(
        ids.map((id) => {
          const node = nodes.find((one) => one.id === id)
          return {
            id,
            text: node ? [node.state, node.privateIp, node.roles.join(",")].join(" ") : "not visible yet",
          }
        }),
      )
      if (nodes.length === ids.length && nodes.every(({ state }) => state === "running")) return nodes
      const missing = ids.filter((id) => !nodes.some((node) => node.id === id))
      if (missing.length > 0 && deps.clock.now() - waiting.startedUtcMs > invisibleMs) {
        throw new Failed("wait", `${missing.join(" ")} ${missing.length === 1 ? "has" : "have"} vanished`)
      }
    } catch (error) {
      if (!isPassing(error)) throw error
      throttled = Math.min(throttled * 2, 8)
    }
    await pause(deps, waiting, throttled, `${plural(ids.length, "instance")} to run`)
  }
}

function refuseEnded(nodes: readonly ClusterNode[]): void {
  const ended = nodes.filter(({ state }) => state === "terminated" || state === "shutting-down")
  const [first] = ended
  if (!first) return
  const reason =
    [first.stateReasonCode, first.stateReasonMessage || first.stateTransitionReason]
      .filter(Boolean)
      .join(": ") || "AWS gives no reason"
  const others = ended.length > 1 ? ` (and ${ended.length - 1} more)` : ""
  throw new Failed("wait", `${first.id} (${first.roles.join(",")}) is ${first.state}${others}: ${reason}`)
}

/** Throttling, a lost connection, a listing that lags: over in a moment. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof AwsError)) return false
  if (/Throttl|RequestLimitExceeded|TooManyRequests/.test(error.code)) return true
  return hasCode(
    error,
    "InvalidInstanceID.NotFound",
    "ConnectionReset",
    "Timeout",
    "ServiceFailure",
    "GarbledReply",
  )
}

/** Until the next poll; throws Failed where there is no time for it. */
export async function pause(
  deps: ClusterDeps,
  waiting: Waiting,
  factor: number,
  what: string,
): Promise<void> {
  const now = deps.clock.now()
  if (now >= waiting.deadlineUtcMs) {
    throw new Failed(
      "wait",
      `timed out after ${duration(now - waiting.startedUtcMs)} waiting for ${what} (see --timeout)`,
    )
  }
  await deps.clock.sleep(pollDelayMs(now - waiting.startedUtcMs, deps.random()) * factor, deps.interrupt)
}

export type Goal = "boot" | Service

export interface ClusterState {
  /** By node's id; a node that says nothing yet is missing. */
  boots: Map<string, BootState>
  services: Partial<Record<Service, ServiceState & { expected: number }>>
}

/** Until every node has booted and the services of the goal have all of their members; the first boot that failed ends it. */
export async function waitUntilReady(
  session: ClusterSession,
  nodes: readonly ClusterNode[],
  goals: readonly Goal[],
  waiting: Waiting,
): Promise<ClusterState> {
  const { deps, name: cluster } = session
  const master = requireMaster(cluster, nodes)
  let state: ClusterState | null = null
  for (;;) {
    if (await settleHostKeys(session, master)) {
      const answer = await askMaster(session, nodes, master)
      if (answer) {
        state = answer
        deps.terminal.nodes(nodes.map((node) => ({ id: node.id, text: described(node, answer) })))
        refuseFailedBoots(cluster, nodes, answer)
        if (goals.every((goal) => isReached(goal, nodes, answer))) return answer
      }
    }
    await refuseEndedNodes(session, nodes)
    await pause(deps, waiting, 1, `${goals.join(", ")} of ${cluster}${missingIn(nodes, state)}`)
  }
}

function refuseFailedBoots(cluster: string, nodes: readonly ClusterNode[], { boots }: ClusterState): void {
  const [first, ...others] = nodes.filter(({ id }) => boots.get(id)?.state === "failed")
  const boot = first && boots.get(first.id)
  if (!boot) return
  const more = others.length > 0 ? ` (and ${others.length} more)` : ""
  throw new Failed(
    "boot",
    `${first.id} (${first.roles.join(",")}) failed in phase ${boot.phase}${more}: ${boot.detail || "no reason"} (hadoop-ec2 logs ${cluster} ${first.id})`,
  )
}

/** Names the nodes that have not booted, for a wait that timed out. */
function missingIn(nodes: readonly ClusterNode[], state: ClusterState | null): string {
  const late = nodes.filter(({ id }) => state?.boots.get(id)?.state !== "done")
  if (late.length === 0) return ""
  const named = late.slice(0, 3).map(({ id }) => `${id} ${state?.boots.get(id)?.phase || "unheard of"}`)
  return ` (${named.join(", ")}${late.length > 3 ? ` and ${late.length - 3} more` : ""})`
}

async function refuseEndedNodes({ deps }: ClusterSession, nodes: readonly ClusterNode[]): Promise<void> {
  const ec2 = await deps.ec2()
  try {
    refuseEnded((await ec2.instances({ ids: nodes.map(({ id }) => id) })).map(toNode))
  } catch (error) {
    if (!isPassing(error)) throw error
  }
}

/** What can be waited for in such a cluster. */
export function goalsOf(nodes: readonly ClusterNode[], bootsByUs: boolean): Goal[] {
  return [...(bootsByUs ? ["boot" as const] : []), ...servicesOf(nodes)]
}

function isReached(goal: Goal, nodes: readonly ClusterNode[], { boots, services }: ClusterState): boolean {
  if (goal === "boot") return nodes.every(({ id }) => boots.get(id)?.state === "done")
  const service = services[goal]
  return service?.up === true && service.members >= service.expected
}

/** A node's phase; with a service's hub, the service. */
function described({ id, roles }: ClusterNode, { boots, services }: ClusterState): string {
  const boot = boots.get(id)
  const parts = Object.entries(services)
    .filter(([name]) => roles.includes(rolesOfService(name as Service).hub))
    .map(([name, { up, members, expected }]) => `${name} ${up ? `${members}/${expected}` : "down"}`)
  const phase = `boot ${boot?.phase || "waiting"}${boot?.state === "done" ? "" : " …"}`
  return [roles.join(","), [phase, ...parts].join(", ")].join("  ")
}

const separator = "--hadoop-ec2--"

/** Where every node that our boot script makes says how far it is, to members of the cluster's group. */
const statusPort = 8099

/** For each address its status file's last line, all at once; a node that does not answer has none. */
function phasesOf(addresses: readonly string[]): string {
  const ask = `printf "%s %s\\n" "$1" "$(curl -fsS --connect-timeout 1 -m 3 "http://$1:${statusPort}/status" | tail -n 1)"`
  return `printf '%s\\n' ${shellCommand(addresses)} | ${shellCommand(["xargs", "-P", "64", "-n", "1", "sh", "-c", ask, "_"])}`
}

/** What the master and, through it, its nodes know, by one command; null while it cannot be reached. */
export async function askMaster(
  session: ClusterSession,
  nodes: readonly ClusterNode[],
  master: ClusterNode,
): Promise<ClusterState | null> {
  const asked = servicesOf(nodes)
  const probes = asked.map((service) => {
    const hub = masterOf(nodes.filter(({ roles }) => roles.includes(rolesOfService(service).hub)))
    const { port, path } = probeOf[service]
    return shellCommand(["curl", "-fsS", "-m", "5", `http://${hub?.privateIp}:${port}${path}`])
  })
  const status = shellCommand(["cat", statusFile])
  const others = nodes.filter((node) => node.id !== master.id && node.privateIp !== "")
  const phases = others.length > 0 ? phasesOf(others.map(({ privateIp }) => privateIp)) : "true"
  const script = [status, phases, ...probes]
    .map((command) => `${command} 2>/dev/null; echo; echo ${separator}`)
    .join("; ")
  const { code, stdout } = await runRemote(session, master, [`${script}; true`])
  if (code !== 0) return null
  const answers = stdout.split(`${separator}\n`)
  const boots = new Map([[master.id, bootState(answers[0] ?? "")]])
  for (const answer of (answers[1] ?? "").split("\n")) {
    const [address, ...line] = answer.split(" ")
    const node = others.find(({ privateIp }) => privateIp === address)
    if (node && line.join("") !== "") boots.set(node.id, bootState(line.join(" ")))
  }
  return {
    boots,
    services: Object.fromEntries(
      asked.map((service, index) => {
        const { member } = rolesOfService(service)
        const expected = nodes.filter(({ roles }) => roles.includes(member)).length
        return [service, { ...serviceState(service, (answers[index + 2] ?? "").trim()), expected }]
      }),
    ),
  }
}
