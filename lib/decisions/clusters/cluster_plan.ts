/** What is to be launched: groups of nodes, in the order in which they can start. */
import { UsageError } from "../../base/errors.ts"
import { parseCount } from "./names.ts"
import {
  hubsOf,
  inOrder,
  isMaster,
  masterRoles,
  parseRoles,
  type Role,
  roleFacts,
  workerRoles,
} from "./roles.ts"

export interface NodeGroup {
  count: number
  roles: Role[]
}

export interface ClusterPlan {
  groups: NodeGroup[]
  notices: string[]
}

const maxNodes = 500

/** `N` workers behind one master, or `N ROLES N ROLES …`. Hubs come first, so that the others can be told where they are. */
export function planCluster(sizes: readonly string[]): ClusterPlan {
  if (sizes.length === 0) throw new UsageError("cluster", "wanted N workers, or N ROLES [N ROLES …]")
  if (sizes.length === 1) {
    const workers = parseCount("workers", sizes[0] ?? "", 0, maxNodes)
    const groups = [{ count: 1, roles: [...masterRoles] }]
    return {
      groups: workers > 0 ? [...groups, { count: workers, roles: [...workerRoles] }] : groups,
      notices: [],
    }
  }
  if (sizes.length % 2 !== 0) {
    throw new UsageError("cluster", "numbers and roles must come in pairs, e.g. 1 nn,snn,rm 10 dn,nm")
  }
  const notices: string[] = []
  const groups: NodeGroup[] = []
  for (let index = 0; index < sizes.length; index += 2) {
    const parsed = parseRoles(sizes[index + 1] ?? "")
    notices.push(...parsed.notices)
    groups.push({ count: parseCount("nodes", sizes[index] ?? "", 1, maxNodes), roles: parsed.roles })
  }
  checkHubs(groups)
  return { groups: groups.sort((a, b) => rank(a) - rank(b)), notices: [...new Set(notices)] }
}

/** Groups that are not there yet, given how many nodes of each roles' set are. */
export function missingFrom(plan: ClusterPlan, present: readonly { roles: readonly Role[] }[]): NodeGroup[] {
  const sameRoles = (roles: readonly Role[]) => inOrder(roles).join()
  return plan.groups.flatMap((group) => {
    const there = present.filter(({ roles }) => sameRoles(roles) === sameRoles(group.roles)).length
    return there < group.count ? [{ ...group, count: group.count - there }] : []
  })
}

/** Environment variables that tell a node where the hubs are; JT_HOST is what old scripts call the resource manager. */
export function hostVariables(
  nodes: readonly { roles: readonly Role[]; privateIp: string }[],
): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const node of nodes) {
    for (const { role, variable } of hubsOf(node.roles)) {
      variables[variable] = node.privateIp
      if (role === "rm") variables.JT_HOST = node.privateIp
    }
  }
  return variables
}

/** The node to log in to: the one with the name node, else the one with the first hub. */
export function masterOf<T extends { roles: readonly Role[] }>(nodes: readonly T[]): T | undefined {
  const rankOf = (node: T) => (node.roles.includes("nn") ? -1 : rank({ count: 1, roles: [...node.roles] }))
  return nodes.filter((node) => isMaster(node.roles)).sort((a, b) => rankOf(a) - rankOf(b))[0]
}

function checkHubs(groups: readonly NodeGroup[]): void {
  for (const { role } of hubsOf(Object.keys(roleFacts) as Role[])) {
    const holders = groups.filter(({ roles }) => roles.includes(role))
    const count = holders.reduce((sum, group) => sum + group.count, 0)
    if (count > 1) throw new UsageError("roles", `${role} is asked for on ${count} nodes, wanted one`)
  }
}

function rank(group: NodeGroup): number {
  const order = Object.keys(roleFacts)
  const first = hubsOf(group.roles)[0]
  return first ? order.indexOf(first.role) : order.length
}
