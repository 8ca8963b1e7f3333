/** A cluster from nothing to ready; what to do when it does not get there. */
import { ExitCode, Failed, messageOf, ToolError } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import { missingFrom, type NodeGroup } from "../../decisions/clusters/cluster_plan.ts"
import { isMaster } from "../../decisions/clusters/roles.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { endingsFrom } from "./ended.ts"
import { aloneWith } from "./files.ts"
import { forgetSettled, removeJournal } from "./journal.ts"
import { type LaunchedNode, type LaunchOutcome, launchGroups, presentNodes } from "./launch_groups.ts"
import { settingsForStorage } from "./launch_storage.ts"
import { writeMembers } from "./members.ts"
import { type ClusterNode, findNodes, isUsable } from "./nodes.ts"
import { writeClientSite } from "./site_file.ts"
import { attachStorage } from "./storage.ts"
import { terminateNodes } from "./terminate.ts"
import { waitUntilListed } from "./unlisted.ts"
import { loadBootScript } from "./user_data_file.ts"
import { goalsOf, waitingFrom, waitUntilReady, waitUntilRunning } from "./wait.ts"
import { pushHubs, pushWorkers, readmitWorkers } from "./workers.ts"

export interface ClusterLaunch {
  groups: readonly NodeGroup[]
  /** `launch`: nothing of the cluster may run yet; `resume`: what is missing; `add`: these, besides what runs. */
  mode: "launch" | "resume" | "add"
  onFailure: "keep" | "terminate" | null
  /** Whether types that the groups do not fit on are launched all the same. */
  force?: boolean
  timeoutMs: number
}

export interface LaunchedCluster {
  ids: string[]
  hourlyCost: number
  leaseEnd: string | null
}

/** Some of the cluster runs and was kept (exit 4). */
export class PartlyLaunched extends ToolError {
  override readonly name = "PartlyLaunched"
  override readonly exitCode = ExitCode.partlyLaunched
  constructor(
    reason: string,
    readonly ids: readonly string[],
    action = "launch",
  ) {
    super(action, reason)
  }
}

/** Launches, waits for everything, tells the master of its workers. */
export function launchCluster(session: ClusterSession, order: ClusterLaunch): Promise<LaunchedCluster> {
  return aloneWith(session, "launch", () => launchAlone(session, order))
}

async function launchAlone(session: ClusterSession, order: ClusterLaunch): Promise<LaunchedCluster> {
  const { mode } = order
  const isEnded = endingsFrom(session)
  if (mode !== "add") await waitUntilListed(session, order.timeoutMs)
  const present = await presentNodes(session, { resume: mode !== "launch" })
  if (mode !== "resume") forgetSettled(session)
  const groups = groupsToLaunch(session, order, present)
  const settings = await settingsForStorage(session, groups, present)
  const outcome = await launchGroups(
    { ...session, settings },
    { groups, present, force: order.force ?? false },
    isEnded,
  )
  try {
    if (outcome.failure) throw outcome.failure
    await finish(session, order, present, outcome)
  } catch (error) {
    const onFailure = isEnded() ? "terminate" : order.onFailure
    await settleFailure(session, { mode, onFailure }, present, outcome, error)
  }
  return {
    ids: outcome.nodes.map(({ id }) => id),
    hourlyCost: outcome.hourlyCost,
    leaseEnd: outcome.leaseEnd,
  }
}

/** What is to be launched besides what is present. */
export function groupsToLaunch(
  { name }: ClusterSession,
  { groups, mode }: Pick<ClusterLaunch, "groups" | "mode">,
  present: readonly LaunchedNode[],
): readonly NodeGroup[] {
  if (mode === "resume") return missingFrom({ groups: [...groups], notices: [] }, present)
  if (
    mode === "add" &&
    !present.some(({ roles }) => isMaster(roles)) &&
    groups.some(({ roles }) => !isMaster(roles))
  ) {
    throw new Failed("launch", `cluster ${name} has no running master (launch-master first)`)
  }
  return groups
}

async function finish(
  session: ClusterSession,
  { mode, timeoutMs }: ClusterLaunch,
  present: readonly LaunchedNode[],
  outcome: LaunchOutcome,
): Promise<void> {
  const { deps, name } = session
  const waiting = waitingFrom(deps, timeoutMs)
  const ids = [...present, ...outcome.nodes].map(({ id }) => id)
  if (ids.length === 0) return
  // ec2-run knows what it was asked for even where EC2's tags lag behind.
  const rolesOf = new Map([...present, ...outcome.nodes].map(({ id, roles }) => [id, roles]))
  const running = await waitUntilRunning(deps, ids, waiting)
  const nodes: ClusterNode[] = running.map((node) => ({
    ...node,
    cluster: name,
    roles: rolesOf.get(node.id) ?? node.roles,
  }))
  writeMembers(session, nodes)
  await attachStorage(session, nodes)
  if (!nodes.some(({ roles }) => isMaster(roles))) return
  const { isOurs } = await loadBootScript(session)
  const goals = goalsOf(nodes, isOurs)
  const fresh = nodes.filter(({ id }) => outcome.nodes.some((one) => one.id === id))
  if (isOurs && mode === "add") await readmitWorkers(session, nodes, fresh)
  await waitUntilReady(session, nodes, goals, waiting)
  if (isOurs) {
    await pushWorkers(session, nodes)
    await pushHubs(session, nodes)
  }
  writeClientSite(session, nodes)
  removeJournal(session)
}

/** Keeps or terminates what was launched now, as told or asked; always ends by throwing. */
async function settleFailure(
  session: ClusterSession,
  { mode, onFailure }: Pick<ClusterLaunch, "mode" | "onFailure">,
  present: readonly LaunchedNode[],
  outcome: LaunchOutcome,
  error: unknown,
): Promise<never> {
  const { name } = session
  const after = session.deps.uninterrupted()
  // With the terminated ones: a node that died must not pass for one that AWS does not show yet.
  const visible = await findNodes({ ...session, deps: after }, { terminated: true }).catch(() => [])
  const before = new Set(present.map(({ id }) => id))
  // Also what ec2-run launched without our hearing of it, and what AWS does not show yet.
  const fresh = [...outcome.nodes, ...visible].map(({ id }) => id).filter((id) => !before.has(id))
  const running = [...new Set(fresh)].filter((id) => {
    const node = visible.find((one) => one.id === id)
    return node === undefined || isUsable(node)
  })
  // What --resume found is part of what is not whole yet; another command launched it, so it is not ended here.
  const resumed = mode === "resume" ? visible.filter((node) => before.has(node.id) && isUsable(node)) : []
  const kept = [...resumed.map(({ id }) => id), ...running]
  if (kept.length === 0) throw error
  const fault = messageOf(error).replace(/^launch: /, "")
  const reason = `${fault}; ${plural(running.length, "instance")} of ${name} `
  const choice =
    running.length === 0
      ? "keep"
      : (onFailure ?? (await askWhatToDo(after, messageOf(error), running.length)))
  if (choice === "terminate") {
    await terminateNodes(after, running).catch((failed) => {
      const ids = running.join(" ")
      throw new PartlyLaunched(`${reason}launched, not all terminated: ${ids}: ${messageOf(failed)}`, running)
    })
    const code = error instanceof ToolError ? error.exitCode : ExitCode.failed
    throw new WithCode(`${reason}launched and terminated again`, code)
  }
  throw new PartlyLaunched(
    `${fault}; ${plural(kept.length, "instance")} of ${name} still run: ${kept.join(" ")} (launch-cluster --resume goes on, terminate-cluster ends them)`,
    kept,
  )
}

class WithCode extends ToolError {
  constructor(
    reason: string,
    override readonly exitCode: number,
  ) {
    super("launch", reason)
  }
}

async function askWhatToDo(deps: ClusterDeps, reason: string, count: number): Promise<"keep" | "terminate"> {
  if (!deps.terminal.asks) return "keep"
  deps.terminal.warn(reason)
  const question = `${plural(count, "instance")} already run. Terminate them? [yes/no] `
  // Ctrl-C is no answer, and what runs has to be named.
  const answer = await deps.terminal.ask(question).catch(() => null)
  return /^y(es)?$/i.test(answer?.trim() ?? "") ? "terminate" : "keep"
}
