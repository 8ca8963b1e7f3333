/** Launching a cluster's groups of nodes through ec2-run: hubs first, so that the others can be told where they are. */
import { Failed, messageOf } from "../../base/errors.ts"
import type { InstancesRequest, LaunchedReply } from "../../base/launch_protocol.ts"
import { plural, quoted } from "../../base/text.ts"
import { masterOf, type NodeGroup } from "../../decisions/clusters/cluster_plan.ts"
import { groupPrefix, groupsOfNode } from "../../decisions/clusters/group_plan.ts"
import { typeFor } from "../../decisions/clusters/instance_types.ts"
import { isMaster, type Role } from "../../decisions/clusters/roles.ts"
import { ownProcess, processIdentity } from "../../host/processes/process_identity.ts"
import type { ClusterSession } from "./deps.ts"
import { requireFit } from "./fit.ts"
import { ensureGroups, type LaunchSecurityGroups } from "./groups.ts"
import { type JournalEntry, readJournal, writeJournal } from "./journal.ts"
import { findNodes, isStopped, isUsable } from "./nodes.ts"
import { askLauncher, LaunchFailed, requireLaunchRegion } from "./runner.ts"
import { ebsMappings } from "./storage_file.ts"
import { type BootScript, loadBootScript, userDataOf } from "./user_data_file.ts"

/** A node as ec2-run's reply has it: enough to tell others of it before DescribeInstances shows it. */
export interface LaunchedNode {
  id: string
  privateIp: string
  roles: Role[]
}

export interface LaunchOutcome {
  nodes: LaunchedNode[]
  /** US$ per hour of what was launched now. */
  hourlyCost: number
  leaseEnd: string | null
  /** Why it ended before everything was launched; null where all is. */
  failure: unknown
}

export interface LaunchInputs {
  groups: readonly NodeGroup[]
  /** What is there already. */
  present: readonly LaunchedNode[]
  /** Whether types that the groups do not fit on are launched all the same. */
  force?: boolean
}

/** The request for one group, without the token, which the launch adds. `security`: null where none of the groups is made yet. */
export function groupRequest(
  session: ClusterSession,
  script: BootScript,
  { groups, present }: LaunchInputs,
  group: NodeGroup,
  security: LaunchSecurityGroups | null,
): Omit<InstancesRequest, "client_token"> {
  const { name: cluster, settings } = session
  const given = settings.securityGroups
  const prefix = security?.prefix ?? groupPrefix(session.deps.login, cluster, [])
  const own = groupsOfNode(prefix, group.roles, given.length)
  const known = [...present, ...groups]
  const dataNodes = known.reduce(
    (sum, some) => sum + (some.roles.includes("dn") ? ("count" in some ? some.count : 1) : 0),
    0,
  )
  const { spot } = settings
  return {
    protocol: 2,
    count: group.count,
    key_name: settings.keyName,
    image_id: settings.imageId,
    instance_type: typeFor(settings, group.roles),
    availability_zone: settings.availabilityZone,
    placement_group: settings.placementGroup,
    subnet_id: settings.subnetId,
    security_group_ids: [
      ...own.map((name) => security?.ids.get(name) ?? name),
      ...given.filter((name) => name.startsWith("sg-")),
    ],
    security_groups: given.filter((name) => !name.startsWith("sg-")),
    user_data: userDataOf(session, script, {
      group,
      hubs: present,
      requirements: script.requirements,
      masterIp: isMaster(group.roles) ? null : (masterOf(present)?.privateIp ?? null),
      dataNodes,
      ebsMappings: ebsMappings(session, group.roles),
    }),
    cluster: { name: cluster, roles: group.roles },
    tags: { Name: `${cluster} ${group.roles.join(",")}`, ...settings.tags },
    ...(settings.leaseMinutes === null ? {} : { lease_minutes: settings.leaseMinutes }),
    ...(settings.rootGib === null ? {} : { root_volume: { gib: settings.rootGib } }),
    ...(settings.iamInstanceProfile === null ? {} : { iam_instance_profile: settings.iamInstanceProfile }),
    ...(spot && (spot.master || !isMaster(group.roles))
      ? { use_spot: true, spot: spot.maxPrice === null ? {} : { max_price: spot.maxPrice } }
      : {}),
  }
}

/** Launches group after group; ends at the first that fails or once the cluster is ended, and says what runs by then. */
export async function launchGroups(
  session: ClusterSession,
  inputs: LaunchInputs,
  isEnded: () => boolean,
): Promise<LaunchOutcome> {
  const { deps } = session
  requireLaunchRegion(deps)
  const script = await loadBootScript(session)
  const [first] = inputs.groups
  // A script that is too large, a secret in the environment: known before anything is made.
  if (first) groupRequest(session, script, inputs, first, null)
  if (!inputs.force) await requireFit(session, inputs.groups, script)
  const security = await ensureGroups(
    session,
    inputs.groups.map(({ roles }) => roles),
  )
  const outcome: LaunchOutcome = { nodes: [], hourlyCost: 0, leaseEnd: null, failure: null }
  try {
    for (const group of inputs.groups) {
      if (deps.interrupt.aborted) throw deps.interrupt.reason
      deps.terminal.note(
        `Launching ${plural(group.count, "node")} with ${group.roles.join(",") || "no roles"} ...`,
      )
      const present = [...inputs.present, ...outcome.nodes]
      const request = groupRequest(session, script, { ...inputs, present }, group, security)
      const reply = await launchWithFallback(session, request, isEnded)
      outcome.nodes.push(...nodesOf(reply, group))
      outcome.hourlyCost += reply.hourly_cost
      outcome.leaseEnd ??= reply.lease_end
      if (reply.ids.length !== group.count) {
        throw new Failed(
          "launch",
          `ec2-run answers with ${reply.ids.length} of ${plural(group.count, "node")}`,
        )
      }
    }
  } catch (error) {
    outcome.failure = error
  }
  return outcome
}

const noSpot = new Set([
  "InsufficientInstanceCapacity",
  "SpotMaxPriceTooLow",
  "MaxSpotInstanceCountExceeded",
  "UnfulfillableCapacity",
  "Unsupported",
])

async function launchWithFallback(
  session: ClusterSession,
  request: Omit<InstancesRequest, "client_token">,
  isEnded: () => boolean,
): Promise<LaunchedReply> {
  try {
    return await launchOnce(session, request, isEnded)
  } catch (error) {
    const mayFallBack = request.spot !== undefined && session.settings.spot?.fallback
    if (!mayFallBack || !(error instanceof LaunchFailed) || !noSpot.has(error.code)) throw error
    session.deps.terminal.note(`No spot capacity (${error.code}), launching on demand instead`)
    const { spot: _spot, use_spot: _useSpot, ...onDemand } = request
    return launchOnce(session, onDemand, isEnded)
  }
}

/** One request under a token that is on disk before it is sent. */
async function launchOnce(
  session: ClusterSession,
  request: Omit<InstancesRequest, "client_token">,
  isEnded: () => boolean,
): Promise<LaunchedReply> {
  const { deps, name: cluster } = session
  const journal = readJournal(session)
  const digest = Bun.hash(JSON.stringify(request)).toString(16)
  const unanswered = journal.find((entry) => entry.ids === null && entry.digest === digest)
  const entry: JournalEntry = unanswered ?? {
    token: crypto.randomUUID(),
    roles: (request.cluster?.roles ?? []) as Role[],
    count: request.count,
    digest,
    ids: null,
    askedAtUtcMs: deps.clock.now(),
  }
  const others = journal.filter(({ token }) => token !== entry.token)
  // Who ends the cluster says so first and reads this then: one of us sees the other.
  writeJournal(session, [...others, { ...entry, launcher: ownProcess() }])
  if (isEnded()) {
    writeJournal(session, journal)
    throw new Failed("launch", `another command ended ${cluster} meanwhile`)
  }
  const note = (more: Partial<JournalEntry>) => {
    try {
      writeJournal(session, [...others, { ...entry, ...more }])
    } catch (error) {
      // A full disk must not make us forget what runs; asked again, the token gives the same ids.
      deps.terminal.warn(messageOf(error))
    }
  }
  // Also after a no: it may say that AWS did not answer, and then something may run by this token.
  const reply = await askLauncher(deps, { ...request, client_token: entry.token }, (pid) =>
    note({ launcher: processIdentity(pid) }),
  )
  note({ ids: reply.ids })
  return reply
}

function nodesOf(reply: LaunchedReply, group: NodeGroup): LaunchedNode[] {
  const instances = reply.instances ?? []
  return reply.ids.map((id) => ({
    id,
    privateIp: instances.find((instance) => instance.id === id)?.private_ip ?? "",
    roles: group.roles,
  }))
}

/** The nodes that run. Throws Failed where some are stopped, or where some run and `resume` does not expect it. */
export async function presentNodes(
  session: ClusterSession,
  { resume }: { resume: boolean },
): Promise<LaunchedNode[]> {
  const { name } = session
  const found = await findNodes(session)
  const stopped = found.filter(isStopped)
  const nodes = found.filter(isUsable)
  if (stopped.length > 0) {
    throw new Failed(
      "launch",
      `cluster ${quoted(name)} has ${plural(nodes.length + stopped.length, "instance")} already, ${stopped.length} of them stopped (hadoop-ec2 start ${name} starts them again, as ec2-active --start does; terminate-cluster ends them)`,
    )
  }
  if (nodes.length > 0 && !resume) {
    throw new Failed(
      "launch",
      `cluster ${quoted(name)} has ${plural(nodes.length, "instance")} already (--resume completes it, add-workers adds to it)`,
    )
  }
  return nodes.map(({ id, privateIp, roles }) => ({ id, privateIp, roles }))
}
