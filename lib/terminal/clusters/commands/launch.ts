/** Commands that launch. */
import { ExitCode } from "../../../base/errors.ts"
import { escapeControls, plural } from "../../../base/text.ts"
import type { ClusterPlan } from "../../../decisions/clusters/cluster_plan.ts"
import { parseCount } from "../../../decisions/clusters/names.ts"
import { masterRoles, workerRoles, workerRolesFor } from "../../../decisions/clusters/roles.ts"
import { tooMuchTogether } from "../../../decisions/clusters/room_together.ts"
import {
  groupsToLaunch,
  type LaunchOrder,
  launchCluster,
  PartlyLaunched,
} from "../../../operations/clusters/cluster_launch.ts"
import type { ClusterDeps } from "../../../operations/clusters/deps.ts"
import { type LaunchInputs, presentNodes } from "../../../operations/clusters/launch_groups.ts"
import { priceGroups, type Rendered, render } from "../../../operations/clusters/render.ts"
import { defaultTimeoutMs } from "../../../operations/clusters/wait.ts"
import {
  type Call,
  type Command,
  type CommandResult,
  clusterCall,
  launchOptions,
  planned,
  sshOptionNames,
} from "../command.ts"

const many = Number.POSITIVE_INFINITY

export const launchCommands: Command[] = [
  {
    name: "launch-cluster",
    usage: "CLUSTER N | CLUSTER N ROLES [N ROLES …]",
    summary: "a master and N workers, or groups by roles; waits until all are ready",
    options: [...launchOptions, ...sshOptionNames, "resume"],
    run(deps, call) {
      const { rest, ...target } = clusterCall(deps, call, 1, many)
      return launch(deps, call, target, planned(deps, rest), call.options.resume ? "resume" : "launch")
    },
  },
  {
    name: "launch-master",
    usage: "CLUSTER",
    summary: `a master (${masterRoles.join(",")})`,
    options: [...launchOptions, ...sshOptionNames],
    run(deps, call) {
      return launch(deps, call, clusterCall(deps, call, 0, 0), planned(deps, ["0"]), "launch")
    },
  },
  {
    name: "launch-slaves",
    aliases: ["launch-workers", "add-workers"],
    usage: "CLUSTER N",
    summary: `N workers more (${workerRoles.join(",")}, as far as the cluster has masters for them)`,
    options: [...launchOptions, ...sshOptionNames],
    async run(deps, call) {
      const { rest, ...target } = clusterCall(deps, call, 1, 1)
      const count = parseCount("workers", rest[0] ?? "", 1, 500)
      const roles = workerRolesFor(await presentNodes(deps, target.cluster, { resume: true }))
      return launch(deps, call, target, { groups: [{ count, roles }], notices: [] }, "add")
    },
  },
  {
    name: "plan",
    usage: "CLUSTER N | CLUSTER N ROLES [N ROLES …]",
    summary: "what it would cost, by a dry run of ec2-run",
    options: launchOptions,
    run(deps, call) {
      const { cluster, settings, rest } = clusterCall(deps, call, 1, many)
      return price(deps, { cluster, settings, groups: planned(deps, rest).groups, present: [] })
    },
  },
  {
    name: "render",
    usage: "CLUSTER N | CLUSTER N ROLES [N ROLES …]",
    summary: "security groups, requests and user data; no call is made",
    options: launchOptions,
    async run(deps, call) {
      const { cluster, settings, rest } = clusterCall(deps, call, 1, many)
      const rendered = await render(deps, {
        cluster,
        settings,
        groups: planned(deps, rest).groups,
        present: [],
      })
      return { json: rendered, lines: renderedLines(rendered) }
    },
  },
]

async function launch(
  deps: ClusterDeps,
  { options: { dryRun, onFailure } }: Call,
  { cluster, settings }: Pick<LaunchOrder, "cluster" | "settings">,
  { groups }: ClusterPlan,
  mode: LaunchOrder["mode"],
): Promise<CommandResult> {
  if (dryRun) {
    const present = await presentNodes(deps, cluster, { resume: mode !== "launch" })
    return price(deps, {
      cluster,
      settings,
      groups: groupsToLaunch({ cluster, groups, mode }, present),
      present,
    })
  }
  const order = {
    ...{ cluster, settings, groups, mode, onFailure },
    timeoutMs: deps.timeoutMs ?? defaultTimeoutMs,
  }
  const launched = await launchCluster(deps, order).catch((error) => {
    if (error instanceof PartlyLaunched) return error
    throw error
  })
  if (launched instanceof PartlyLaunched) return partly(deps, cluster, launched)
  const { ids, hourlyCost, leaseEnd } = launched
  if (ids.length === 0) return { lines: [`Nothing is missing in ${cluster}.`], json: { cluster, ids } }
  const until = leaseEnd ? `, until ${leaseEnd} (hadoop-ec2 extend ${cluster} moves that)` : ""
  deps.terminal.note(
    `Cluster ${cluster} is ready: ${plural(ids.length, "node")} launched, $${hourlyCost.toFixed(3)} per hour${until}.`,
  )
  return { lines: ids, json: { cluster, ids, hourly_cost: hourlyCost, lease_end: leaseEnd } }
}

/** What runs is a result, too: whoever called has to end it or to go on with it. */
function partly(
  deps: ClusterDeps,
  cluster: string,
  { ids, message, exitCode }: PartlyLaunched,
): CommandResult {
  deps.terminal.warn(escapeControls(`${message}`))
  return { lines: [...ids], json: { cluster, ids, error: message }, code: exitCode }
}

/** What these groups would cost; refused as the launch would be half-way where they do not fit together. */
export async function price(deps: ClusterDeps, inputs: LaunchInputs): Promise<CommandResult> {
  const priced = await priceGroups(deps, inputs)
  const sum = priced.reduce((total, { hourlyCost }) => total + hourlyCost, 0)
  const refused = tooMuchTogether(priced)
  if (refused) deps.terminal.warn(`launch: ${refused}`)
  return {
    lines: [
      ...priced.map(
        ({ count, roles, hourlyCost }) =>
          `${plural(count, "node")}\t${roles.join(",")}\t$${hourlyCost.toFixed(3)}/h`,
      ),
      `together\t\t$${sum.toFixed(3)}/h`,
    ],
    json: {
      cluster: inputs.cluster,
      groups: priced.map(({ count, roles, hourlyCost }) => ({ count, roles, hourly_cost: hourlyCost })),
      hourly_cost: sum,
      ...(refused && { refused }),
    },
    ...(refused && { code: ExitCode.refused }),
  }
}

function renderedLines({ securityGroups, requests }: Rendered): string[] {
  return [
    ...securityGroups.flatMap(({ name, open, client }) => [
      `security group ${name}${open ? ": its members reach each other" : ""}`,
      ...client.map(({ fromPort, cidr }) => `  port ${fromPort} from ${cidr}`),
    ]),
    ...requests.flatMap(({ request, userData, userDataBytes }) => [
      "",
      `request ${JSON.stringify(request, null, 2)}`,
      `user data, ${userDataBytes} bytes gzipped:`,
      userData,
    ]),
  ]
}
