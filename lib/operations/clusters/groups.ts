/** A cluster's security groups: made with the owner's tag that the policy demands, used by id, deleted when nobody is in them. */
import type { SecurityGroupWithRules } from "../../aws/ec2/security_group_interfaces.ts"
import { hasCode } from "../../aws/protocol/errors.ts"
import { Failed } from "../../base/errors.ts"
import { type IngressRule, tagOf } from "../../base/instance.ts"
import { quoted } from "../../base/text.ts"
import {
  groupPrefix,
  memberRule,
  movedClientRules,
  type PlannedGroup,
  planGroups,
  plannedName,
  substituteName,
} from "../../decisions/clusters/group_plan.ts"
import { parseCidr } from "../../decisions/clusters/names.ts"
import type { Role } from "../../decisions/clusters/roles.ts"
import { ruleChanges } from "../../decisions/ssh/client_rules.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"

/** The client's networks: as set, else this host's address as the world sees it. */
export async function clientCidrs({ deps, settings }: ClusterSession): Promise<string[]> {
  if (settings.clientCidrs.length > 0) {
    for (const cidr of settings.clientCidrs.filter(isWide)) {
      deps.terminal.warn(`${cidr} lets in far more than you: ssh is open to all of it`)
    }
    return settings.clientCidrs
  }
  return [parseCidr(await deps.clientAddress())]
}

/** More than the largest network that anybody has for themselves, 10.0.0.0/8. */
function isWide(cidr: string): boolean {
  return Number(cidr.split("/")[1]) < 8
}

/** The security groups that a launch uses. */
export interface LaunchSecurityGroups {
  /** What their names begin with. */
  prefix: string
  /** By name; those that are not made yet are missing. */
  ids: ReadonlyMap<string, string>
}

/** Makes what is missing and corrects the client's rules; running it again changes nothing. */
export async function ensureGroups(
  session: ClusterSession,
  roleSets: readonly (readonly Role[])[],
): Promise<LaunchSecurityGroups> {
  const { deps, settings } = session
  const [vpcId, cidrs] = await Promise.all([vpcOf(session), clientCidrs(session)])
  const present = (await clusterGroups(session)).filter((group) => group.vpcId === vpcId)
  const { prefix } = known(session, present)
  const plan = planGroups(prefix, roleSets, cidrs, settings.openUi, settings.securityGroups.length)
  const ids = plan.map(async (planned): Promise<[string, string]> => {
    const found = present.find(({ name }) => plannedName(name) === planned.name)
    const id = found?.id ?? (await createGroup(session, vpcId, planned))
    const wanted = planned.open ? [memberRule(id), ...planned.client] : planned.client
    await correctRules(deps, wanted, found ?? null, id)
    return [planned.name, id]
  })
  return { prefix, ids: new Map(await Promise.all(ids)) }
}

/** The cluster's groups that there are; nothing is made. */
export async function presentGroups(session: ClusterSession): Promise<LaunchSecurityGroups> {
  return known(session, await clusterGroups(session))
}

function known(session: ClusterSession, groups: readonly SecurityGroupWithRules[]): LaunchSecurityGroups {
  const named = groups.map(({ name, id }): [string, string] => [plannedName(name), id])
  return {
    prefix: groupPrefix(
      session.deps.login,
      session.name,
      named.map(([name]) => name),
    ),
    ids: new Map(named),
  }
}

/** Lets the client's present address in, where it has changed, to all that it was let in to. True where anything did. */
export async function followClient(session: ClusterSession): Promise<boolean> {
  const { deps } = session
  const groups = (await clusterGroups(session)).map((group) => ({ ...group, name: plannedName(group.name) }))
  const { prefix } = known(session, groups)
  const cidrs = await clientCidrs(session)
  const changed = await Promise.all(
    groups.map((group) => correctRules(deps, movedClientRules(prefix, group, cidrs), group, group.id)),
  )
  return changed.includes(true)
}

/** The groups that carry our tags for this cluster, whatever they are called. */
export async function clusterGroups({
  deps,
  name: cluster,
}: ClusterSession): Promise<SecurityGroupWithRules[]> {
  const ec2 = await deps.ec2()
  const groups = await ec2.securityGroupsWithRules({
    tags: { [tagOf.owner]: deps.login, [tagOf.cluster]: cluster },
  })
  return groups.filter(({ tags }) => tags[tagOf.owner] === deps.login && tags[tagOf.cluster] === cluster)
}

const patienceMs = 60_000
const deleteDelayMs = 5_000

/** Deletes the cluster's groups; instances that are going keep them in use for a while. Returns their names. */
export async function deleteGroups(session: ClusterSession): Promise<string[]> {
  const { deps } = session
  const groups = await clusterGroups(session)
  // The cluster's own refers to itself at most; those by role refer to none: any order will do, and the named one goes last.
  const order = groups.sort((a, b) => b.name.length - a.name.length)
  const started = deps.clock.now()
  for (let left = order; ; ) {
    left = await deleteUnused(deps, left)
    const [first, ...others] = left
    if (!first) return order.map(({ name }) => name)
    if (deps.clock.now() - started >= (deps.timeoutMs ?? patienceMs)) {
      const more = others.length > 0 ? ` (and ${others.length} more)` : ""
      throw new Failed(
        "delete security groups",
        `${first.name} (${first.id}) is still in use by something outside of the cluster${more}; the rest is done, repeat it later`,
      )
    }
    await deps.clock.sleep(deleteDelayMs * (0.8 + 0.4 * deps.random()), deps.interrupt)
  }
}

/** Returns those that are in use. */
async function deleteUnused(
  deps: ClusterDeps,
  groups: readonly SecurityGroupWithRules[],
): Promise<SecurityGroupWithRules[]> {
  const ec2 = await deps.ec2()
  const inUse: SecurityGroupWithRules[] = []
  for (const group of groups) {
    await ec2.deleteSecurityGroup(group.id).catch((error) => {
      if (!hasCode(error, "DependencyViolation")) throw error
      inUse.push(group)
    })
  }
  return inUse
}

async function createGroup(
  session: ClusterSession,
  vpcId: string,
  { name, description }: PlannedGroup,
): Promise<string> {
  const { deps, name: cluster } = session
  const ec2 = await deps.ec2()
  const tags = { ...deps.launchTags, [tagOf.owner]: deps.login, [tagOf.cluster]: cluster }
  const create = async (as: string) =>
    (await ec2.createSecurityGroup({ name: as, description, vpcId, tags })).id
  try {
    return await create(name)
  } catch (error) {
    if (!hasCode(error, "InvalidGroup.Duplicate")) throw error
    // Another run of ours made it in between, or the name is taken: another login may take it to be in the way.
    const ours = (await clusterGroups(session)).find((group) => group.vpcId === vpcId && group.name === name)
    return ours ? ours.id : await create(substituteName(name, deps.random()))
  }
}

async function correctRules(
  deps: ClusterDeps,
  wanted: readonly IngressRule[],
  found: SecurityGroupWithRules | null,
  id: string,
): Promise<boolean> {
  const { allow, revoke } = ruleChanges(found?.ingress ?? [], wanted)
  const ec2 = await deps.ec2()
  await ec2.allowIngress(id, allow)
  await ec2.revokeIngress(id, revoke)
  return allow.length + revoke.length > 0
}

/** The VPC of the subnet to launch in, or the default one. */
async function vpcOf({ deps, settings }: ClusterSession): Promise<string> {
  const ec2 = await deps.ec2()
  const [subnet] = await ec2.subnets(
    settings.subnetId === null ? { defaultOnly: true } : { ids: [settings.subnetId] },
  )
  if (subnet) return subnet.vpcId
  throw new Failed(
    "security groups",
    settings.subnetId === null
      ? `there is no default VPC in ${deps.region}: name a subnet_id`
      : `subnet ${quoted(settings.subnetId)} does not exist in ${deps.region}`,
  )
}
