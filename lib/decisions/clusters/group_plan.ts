/** The security groups of a cluster: which there are, what comes in, and which a node is in. */
import type { IngressRule } from "../../aws/cluster_interfaces.ts"
import { groupRolesOf, type Role, uiPortsOfGroup } from "./roles.ts"

/** Marks rules for the client's address, which move with it; all others are left alone. */
export const clientRuleDescription = "ec2-wrappers client"

/** An interface takes five groups by AWS's default quota: the cluster's own and four by role. */
const maxRoleGroups = 4

export interface PlannedGroup {
  name: string
  description: string
  /** Rules for the client's networks. */
  client: IngressRule[]
  /** Whether its members reach each other by every port. */
  open: boolean
}

/** Names as of old: `CLUSTER` for all, `CLUSTER-ROLE` for each role. */
export function groupName(cluster: string, role: Role | null): string {
  return role === null ? cluster : `${cluster}-${role}`
}

/** The groups that nodes with these roles need; pages are open to the client only where asked. */
export function planGroups(
  cluster: string,
  roleSets: readonly (readonly Role[])[],
  cidrs: readonly string[],
  openUi: boolean,
): PlannedGroup[] {
  const roles = [...new Set(roleSets.flatMap(attachedRoles))]
  // A node of many roles is in too few groups for all of its pages: its last group opens the others' ports as well.
  const portsOf = (role: Role) => {
    const crowded = roleSets.filter((set) => attachedRoles(set).at(-1) === role)
    return [
      ...new Set(
        [role, ...crowded.flatMap((set) => groupRolesOf(set).slice(maxRoleGroups))].flatMap(uiPortsOfGroup),
      ),
    ]
  }
  return [
    {
      name: groupName(cluster, null),
      description: `Cluster ${cluster}`,
      client: cidrs.map((cidr) => clientRule(22, cidr)),
      open: true,
    },
    ...roles.map((role) => ({
      name: groupName(cluster, role),
      description: `Cluster ${cluster}, role ${role}`,
      client: openUi ? portsOf(role).flatMap((port) => cidrs.map((cidr) => clientRule(port, cidr))) : [],
      open: false,
    })),
  ]
}

/** The names of the groups that a node with these roles is in. */
export function groupsOfNode(cluster: string, roles: readonly Role[]): string[] {
  return [groupName(cluster, null), ...attachedRoles(roles).map((role) => groupName(cluster, role))]
}

function attachedRoles(roles: readonly Role[]): Role[] {
  return groupRolesOf(roles).slice(0, maxRoleGroups)
}

function clientRule(port: number, cidr: string): IngressRule {
  return {
    protocol: "tcp",
    fromPort: port,
    toPort: port,
    cidr,
    groupId: null,
    description: clientRuleDescription,
  }
}

/**
 * What must change so that exactly the wanted networks of the client come in: only rules that carry our mark are ever
 * revoked.
 */
export function ruleChanges(
  present: readonly IngressRule[],
  wanted: readonly IngressRule[],
): { allow: IngressRule[]; revoke: IngressRule[] } {
  const same = (a: IngressRule) => (b: IngressRule) =>
    a.protocol === b.protocol &&
    (a.protocol === "-1" || (a.fromPort === b.fromPort && a.toPort === b.toPort)) &&
    a.cidr === b.cidr &&
    a.groupId === b.groupId
  return {
    allow: wanted.filter((rule) => !present.some(same(rule))),
    revoke: present.filter((rule) => rule.description === clientRuleDescription && !wanted.some(same(rule))),
  }
}

/** Everything between the members of a group. */
export function memberRule(groupId: string): IngressRule {
  return { protocol: "-1", fromPort: 0, toPort: 65_535, cidr: null, groupId, description: "" }
}
