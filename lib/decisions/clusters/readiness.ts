/** How the daemons themselves say how many of them there are. */
import { type Role, rolesOfService, type Service, services } from "./roles.ts"

/** What a service says of itself; `members` counts live data nodes, node managers or Spark workers. */
export interface ServiceState {
  up: boolean
  members: number
}

/** Where on the hub to ask, over HTTP. */
export const probeOf: Record<Service, { port: number; path: string }> = {
  hdfs: { port: 9870, path: "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState" },
  yarn: { port: 8088, path: "/ws/v1/cluster/metrics" },
  spark: { port: 8080, path: "/json/" },
}

const down: ServiceState = { up: false, members: 0 }

/** Reads the answer of a probe; anything unexpected means: not up yet. */
export function serviceState(service: Service, answer: string): ServiceState {
  let json: unknown
  try {
    json = JSON.parse(answer)
  } catch {
    return down
  }
  const members = readers[service](json)
  return members === null ? down : { up: true, members }
}

const readers: Record<Service, (json: unknown) => number | null> = {
  hdfs: (json) => {
    const beans = field(json, "beans")
    const state = Array.isArray(beans) ? beans[0] : null
    const live = numberOf(field(state, "NumLiveDataNodes"))
    // Removed ones count as live for ten minutes after their end.
    return live === null ? null : live - (numberOf(field(state, "NumDecomLiveDataNodes")) ?? 0)
  },
  yarn: (json) => numberOf(field(field(json, "clusterMetrics"), "activeNodes")),
  spark: (json) => (field(json, "status") === "ALIVE" ? numberOf(field(json, "aliveworkers")) : null),
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null
}

export interface BootState {
  /** The last phase begun; "" before the first. */
  phase: string
  state: "waiting" | "running" | "done" | "failed"
  /** Why, where it failed. */
  detail: string
}

/** Reads the status file of the boot script: lines `TIME PHASE begin|done|failed [DETAIL]`. */
export function bootState(statusFile: string): BootState {
  const last = statusFile.trim().split("\n").at(-1) ?? ""
  const [, phase = "", event = "", detail = ""] = /^\S+ (\S+) (begin|done|failed) ?(.*)$/.exec(last) ?? []
  if (phase === "") return { phase: "", state: "waiting", detail: "" }
  if (event === "failed") return { phase, state: "failed", detail }
  return { phase, state: phase === "ready" && event === "done" ? "done" : "running", detail }
}

/** How long to wait before asking again: a share of what has been waited, so that short boots are seen soon and long ones asked seldom. */
export function pollDelayMs(waitedMs: number, random: number): number {
  const base = Math.min(10_000, Math.max(500, waitedMs / 40))
  return Math.round(base * (0.8 + 0.4 * random))
}

/** The services of which a cluster has both the hub and members. */
export function servicesOf(nodes: readonly { roles: readonly Role[] }[]): Service[] {
  const has = (role: Role) => nodes.some(({ roles }) => roles.includes(role))
  return services.filter((service) => {
    const { hub, member } = rolesOfService(service)
    return has(hub) && has(member)
  })
}
