/** The daemons a node can run, which ports their pages have, and which of them others must find. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"

interface RoleFacts {
  title: string
  /** Others connect to it: there is one per cluster, it starts first, and its host is told in this variable. */
  hub?: string
  /** Ports of its web pages. */
  ui: number[]
  /** The role whose security group holds its ports: an interface takes five groups, so companions share one. */
  group?: Role
  /** Whether it listens on its machine's loopback only: no security group opens anything for it. */
  onLoopback?: boolean
}

/** In the order in which hubs must start: each needs only what is before it. */
export const roleFacts = {
  zk: { title: "ZooKeeper", hub: "ZK_HOST", ui: [] },
  nn: { title: "HDFS name node", hub: "NN_HOST", ui: [9870] },
  snn: { title: "HDFS secondary name node", ui: [9868] },
  rm: { title: "YARN resource manager", hub: "RM_HOST", ui: [8088] },
  jhs: { title: "MapReduce job history server", hub: "JHS_HOST", ui: [19888], group: "rm" },
  sm: { title: "Spark master", hub: "SM_HOST", ui: [8080, 4040] },
  shs: { title: "Spark history server", ui: [18080], group: "sm" },
  dn: { title: "HDFS data node", ui: [9864] },
  nm: { title: "YARN node manager", ui: [8042] },
  sw: { title: "Spark worker", ui: [8081] },
  jupyter: { title: "JupyterLab", ui: [8888], onLoopback: true },
} as const satisfies Record<string, RoleFacts & { group?: string }>

export type Role = "zk" | "nn" | "snn" | "rm" | "jhs" | "sm" | "shs" | "dn" | "nm" | "sw" | "jupyter"

const roleOrder = Object.keys(roleFacts) as Role[]
const factsOf = (role: Role): RoleFacts => roleFacts[role]

/** MapReduce 1 is gone: its daemons' names mean their successors'. */
const successors: Record<string, Role[]> = { jt: ["rm", "jhs"], tt: ["nm"] }

export const masterRoles: readonly Role[] = ["nn", "snn", "rm", "jhs", "sm", "shs"]
export const workerRoles: readonly Role[] = ["dn", "nm", "sw"]

/** The usual workers' roles, without those whose hub is nowhere in the cluster. */
export function workerRolesFor(present: readonly { roles: readonly Role[] }[]): Role[] {
  const isServed = (role: Role) =>
    services.some((service) => {
      const { hub, member } = memberOf[service]
      return member === role && present.some(({ roles }) => roles.includes(hub))
    })
  const served = workerRoles.filter(isServed)
  return served.length > 0 ? served : [...workerRoles]
}

/** Reads `nn,snn,jt`; `notices` say what was understood by old names. */
export function parseRoles(text: string): { roles: Role[]; notices: string[] } {
  const names = text.split(",").map((name) => name.trim())
  const notices: string[] = []
  const roles = names.flatMap((name) => {
    const successor = successors[name]
    if (successor) notices.push(`role ${name} no longer exists, ${successor.join(",")} takes its place`)
    if (!successor && !(roleOrder as string[]).includes(name)) {
      throw new UsageError("roles", `${quoted(name)} is not one of ${roleOrder.join(" ")} (or jt, tt)`)
    }
    return successor ?? [name as Role]
  })
  return { roles: inOrder(roles), notices }
}

/** Each role once, in the order in which they start. */
export function inOrder(roles: readonly Role[]): Role[] {
  return roleOrder.filter((role) => roles.includes(role))
}

/** Roles out of a tag's text; what we do not know is left out. */
export function rolesOfTag(text: string): Role[] {
  return inOrder(text.split(",") as Role[])
}

/** The hubs among these roles, with the variable that tells the others where they are. */
export function hubsOf(roles: readonly Role[]): { role: Role; variable: string }[] {
  return roles.flatMap((role) => {
    const { hub } = factsOf(role)
    return hub ? [{ role, variable: hub }] : []
  })
}

/** Whether a node is one of the few that others or people depend on, rather than one of the many. */
export function isMaster(roles: readonly Role[]): boolean {
  return hubsOf(roles).length > 0 || roles.includes("jupyter")
}

/** The roles that have a security group of their own among these. */
export function groupRolesOf(roles: readonly Role[]): Role[] {
  return inOrder(
    roles
      .filter((role) => role !== "zk" && !factsOf(role).onLoopback)
      .map((role) => factsOf(role).group ?? role),
  )
}

/** The ports of web pages that the security group of a role opens with `--open-ui`. */
export function uiPortsOfGroup(groupRole: Role): number[] {
  return roleOrder
    .filter((role) => (factsOf(role).group ?? role) === groupRole)
    .flatMap((role) => factsOf(role).ui)
}

/** The web pages of a node. */
export function pagesOf(
  roles: readonly Role[],
): { role: Role; title: string; port: number; onLoopback: boolean }[] {
  return roles.flatMap((role) => {
    const { title, ui, onLoopback = false } = factsOf(role)
    const [port] = ui
    return port === undefined ? [] : [{ role, title, port, onLoopback }]
  })
}

export const services = ["hdfs", "yarn", "spark"] as const
export type Service = (typeof services)[number]

const memberOf: Record<Service, { hub: Role; member: Role }> = {
  hdfs: { hub: "nn", member: "dn" },
  yarn: { hub: "rm", member: "nm" },
  spark: { hub: "sm", member: "sw" },
}

/** The role that serves, and the one of which there are many. */
export function rolesOfService(service: Service): { hub: Role; member: Role } {
  return memberOf[service]
}
