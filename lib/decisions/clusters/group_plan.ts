/** The security groups of a cluster: which there are, what comes in, and which a node is in. */
import type { IngressRule } from "../../base/instance.ts"
import { clientRule, clientRuleDescription } from "../ssh/client_rules.ts"
import { groupRolesOf, type Role, uiPortsOfGroup } from "./roles.ts"

/** An interface takes five groups by AWS's default quota: the cluster's own, those that the settings add, and the rest by role. */
const maxGroups = 5

export interface PlannedGroup {
  name: string
  description: string
  /** Rules for the client's networks. */
  client: IngressRule[]
  /** Whether its members reach each other by every port. */
  open: boolean
}

/**
 * The name of a cluster's own group, with which the names of the others begin. A group's name is unique in its VPC, which all
 * students share, so it begins with the login. `tagged` are the names of the groups that carry this cluster's tags: one that was
 * launched when names did not begin so keeps its own.
 */
export function groupPrefix(login: string, cluster: string, tagged: readonly string[]): string {
  if (cluster.startsWith(`${login}-`) || tagged.includes(cluster)) return cluster
  return `${login}-${cluster}`
}

/**
 * Another name for a group whose own is taken in its VPC: by another login, which may take any name, or by another cluster. Groups
 * are found by their tags, and this is what shows which of the cluster's groups it is.
 *
 * @param random below 1.
 */
export function substituteName(name: string, random: number): string {
  return `${name}#${Math.floor(random * 2 ** 32)
    .toString(16)
    .padStart(8, "0")}`
}

/** The name that a group was planned with. */
export function plannedName(name: string): string {
  return name.replace(/#[0-9a-f]{8}$/, "")
}

/** `PREFIX` for all nodes, `PREFIX-ROLE` for each role. */
function groupName(prefix: string, role: Role | null): string {
  return role === null ? prefix : `${prefix}-${role}`
}

/**
 * The groups that nodes with these roles need beside `further` ones; pages are open to the client only where asked. A node of many
 * roles is in too few groups for all of its pages: its last group opens the others' ports as well.
 */
export function planGroups(
  prefix: string,
  roleSets: readonly (readonly Role[])[],
  cidrs: readonly string[],
  openUi: boolean,
  further = 0,
): PlannedGroup[] {
  const sets = roleSets.map((roles) => attachedAndCrowdedOut(roles, further))
  const crowdedInto = (role: Role | null) =>
    sets.filter(({ attached }) => (attached.at(-1) ?? null) === role).flatMap(({ crowdedOut }) => crowdedOut)
  const pages = (role: Role | null) => {
    const roles = new Set([...(role === null ? [] : [role]), ...crowdedInto(role)])
    const ports = openUi ? new Set([...roles].flatMap(uiPortsOfGroup)) : []
    return [...ports].flatMap((port) => cidrs.map((cidr) => clientRule(port, cidr)))
  }
  const roles = [...new Set(sets.flatMap(({ attached }) => attached))]
  return [
    {
      name: groupName(prefix, null),
      description: `Cluster ${prefix}`,
      client: [...cidrs.map((cidr) => clientRule(22, cidr)), ...pages(null)],
      open: true,
    },
    ...roles.map((role) => ({
      name: groupName(prefix, role),
      description: `Cluster ${prefix}, role ${role}`,
      client: pages(role),
      open: false,
    })),
  ]
}

/** The names of the groups that a node with these roles is in, beside `further` ones. */
export function groupsOfNode(prefix: string, roles: readonly Role[], further = 0): string[] {
  const { attached } = attachedAndCrowdedOut(roles, further)
  return [groupName(prefix, null), ...attached.map((role) => groupName(prefix, role))]
}

function attachedAndCrowdedOut(roles: readonly Role[], further: number) {
  const all = groupRolesOf(roles)
  const most = Math.max(0, maxGroups - 1 - further)
  return { attached: all.slice(0, most), crowdedOut: all.slice(most) }
}

/** A group's rules for the client when its networks are these now; the cluster's own group always takes ssh. */
export function movedClientRules(
  prefix: string,
  group: { name: string; ingress: readonly IngressRule[] },
  cidrs: readonly string[],
): IngressRule[] {
  const marked = group.ingress.filter(({ description }) => description === clientRuleDescription)
  const ports = new Set([...(group.name === prefix ? [22] : []), ...marked.map(({ fromPort }) => fromPort)])
  return [...ports].flatMap((port) => cidrs.map((cidr) => clientRule(port, cidr)))
}

/** Everything between the members of a group. */
export function memberRule(groupId: string): IngressRule {
  return { protocol: "-1", fromPort: 0, toPort: 65_535, cidr: null, groupId, description: "" }
}
