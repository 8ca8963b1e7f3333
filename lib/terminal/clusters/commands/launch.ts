/** Commands that launch. */
import { ExitCode } from "../../../base/errors.ts"
import { escapeControls, plural } from "../../../base/text.ts"
import type { NodeGroup } from "../../../decisions/clusters/cluster_plan.ts"
import { parseCount } from "../../../decisions/clusters/names.ts"
import { masterRoles, workerRoles, workerRolesFor } from "../../../decisions/clusters/roles.ts"
import { tooMuchTogether } from "../../../decisions/clusters/room_together.ts"
import {
  type ClusterLaunch,
  groupsToLaunch,
  launchCluster,
  PartlyLaunched,
} from "../../../operations/clusters/cluster_launch.ts"
import type { ClusterDeps, ClusterSession } from "../../../operations/clusters/deps.ts"
import { type LaunchInputs, presentNodes } from "../../../operations/clusters/launch_groups.ts"
import { priceGroups, render } from "../../../operations/clusters/render.ts"
import { startCluster } from "../../../operations/clusters/stop_start.ts"
import { defaultTimeoutMs } from "../../../operations/clusters/wait.ts"
import { connectOptions, launchOptions } from "../cluster_arguments.ts"
import { pricedLines, renderedLines } from "../cluster_lines.ts"
import { anyNumber, type Call, type Command, type CommandResult, openCluster, planOf } from "../command.ts"

const sizes = "CLUSTER N | CLUSTER N ROLES [N ROLES …]"

export const launchCommands: Command[] = [
  {
    name: "launch-cluster",
    usage: sizes,
    summary: "a master and N workers, or groups by roles; waits until all are ready",
    options: [...launchOptions, "resume"],
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 1, anyNumber)
      const mode = call.options.resume ? "resume" : "launch"
      return launch(session, call, planOf(deps, rest).groups, mode)
    },
  },
  {
    name: "launch-master",
    usage: "CLUSTER",
    summary: `a master (${masterRoles.join(",")})`,
    options: launchOptions,
    async run(deps, call) {
      const { session } = openCluster(deps, call, 0, 0)
      return launch(session, call, planOf(deps, ["0"]).groups, "launch")
    },
  },
  {
    name: "launch-slaves",
    aliases: ["launch-workers", "add-workers"],
    usage: "CLUSTER N",
    summary: `N workers more (${workerRoles.join(",")}, as far as the cluster has masters for them)`,
    options: launchOptions,
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 1, 1)
      const count = parseCount("workers", rest[0] ?? "", 1, 500)
      const roles = workerRolesFor(await presentNodes(session, { resume: true }))
      return launch(session, call, [{ count, roles }], "add")
    },
  },
  {
    name: "start",
    usage: "CLUSTER",
    summary: "starts a stopped cluster by one admission for all nodes; waits until all are ready",
    options: connectOptions,
    run: start,
  },
  {
    name: "plan",
    usage: sizes,
    summary: "what it would cost, by a dry run of ec2-run",
    options: launchOptions,
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 1, anyNumber)
      return pricedResult(session, {
        groups: planOf(deps, rest).groups,
        present: [],
        force: call.options.yes,
      })
    },
  },
  {
    name: "render",
    usage: sizes,
    summary: "security groups, requests and user data; no call is made",
    options: launchOptions,
    async run(deps, call) {
      const { session, rest } = openCluster(deps, call, 1, anyNumber)
      const rendered = await render(session, { groups: planOf(deps, rest).groups, present: [] })
      return { json: rendered, lines: renderedLines(rendered) }
    },
  },
]

async function start(deps: ClusterDeps, call: Call): Promise<CommandResult> {
  const { session } = openCluster(deps, call, 0, 0)
  const { name: cluster } = session
  const timeoutMs = deps.timeoutMs ?? defaultTimeoutMs
  try {
    const { reply, ended } = await startCluster(session, { dryRun: call.options.dryRun, timeoutMs })
    return { ...reply, json: { cluster, ...reply, ended } }
  } catch (error) {
    if (!(error instanceof PartlyLaunched)) throw error
    return partly(session, error)
  }
}

/** The nodes that run are a result, too: the caller has to end them or to go on. */
function partly({ deps, name }: ClusterSession, { ids, message, exitCode }: PartlyLaunched): CommandResult {
  deps.terminal.warn(escapeControls(message))
  return { lines: [...ids], json: { cluster: name, ids, error: message }, code: exitCode }
}

async function launch(
  session: ClusterSession,
  { options: { dryRun, onFailure, yes: force } }: Call,
  groups: readonly NodeGroup[],
  mode: ClusterLaunch["mode"],
): Promise<CommandResult> {
  const { deps, name: cluster } = session
  if (dryRun) {
    const present = await presentNodes(session, { resume: mode !== "launch" })
    return pricedResult(session, {
      groups: groupsToLaunch(session, { groups, mode }, present),
      present,
      force,
    })
  }
  const timeoutMs = deps.timeoutMs ?? defaultTimeoutMs
  try {
    const { ids, hourlyCost, leaseEnd } = await launchCluster(session, {
      groups,
      mode,
      onFailure,
      timeoutMs,
      force,
    })
    if (ids.length === 0) return { lines: [`Nothing is missing in ${cluster}.`], json: { cluster, ids } }
    const until = leaseEnd ? `, until ${leaseEnd} (hadoop-ec2 extend ${cluster} moves that)` : ""
    deps.terminal.note(
      `Cluster ${cluster} is ready: ${plural(ids.length, "node")} launched, $${hourlyCost.toFixed(3)} per hour${until}.`,
    )
    return { lines: ids, json: { cluster, ids, hourly_cost: hourlyCost, lease_end: leaseEnd } }
  } catch (error) {
    if (!(error instanceof PartlyLaunched)) throw error
    return partly(session, error)
  }
}

/** What these groups would cost; refused (exit 3) where they do not fit together, as their launch would be half-way. */
export async function pricedResult(session: ClusterSession, inputs: LaunchInputs): Promise<CommandResult> {
  const priced = await priceGroups(session, inputs)
  const sum = priced.reduce((total, { hourlyCost }) => total + hourlyCost, 0)
  const refused = tooMuchTogether(priced)
  if (refused) session.deps.terminal.warn(`launch: ${refused}`)
  return {
    lines: pricedLines(priced, sum),
    json: {
      cluster: session.name,
      groups: priced.map(({ count, roles, hourlyCost }) => ({ count, roles, hourly_cost: hourlyCost })),
      hourly_cost: sum,
      ...(refused && { refused }),
    },
    ...(refused && { code: ExitCode.refused }),
  }
}
