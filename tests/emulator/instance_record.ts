/** An instance's life as EC2 shows it: states that take time, what each transition says of itself, and what it bills. */
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import type { World } from "./world.ts"
import { type Element, findAll, textAt } from "./xml.ts"

export const stateCodes = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const
export type State = keyof typeof stateCodes

export interface InstanceRecord {
  id: string
  region: string
  /** The item of moto's reply, and whether something has changed since. */
  item: Element
  stale: boolean
  reservationId: string
  ownerId: string
  state: State
  /** Grows with each transition, so that a timer of an older one does nothing. */
  transition: number
  type: string
  zone: string
  firstLaunchUtcMs: UtcMs
  launchUtcMs: UtcMs
  /** How often it was started. */
  starts: number
  /** When `running` began; null while it is not running. */
  runningSinceUtcMs: UtcMs | null
  terminatedAtUtcMs: UtcMs | null
  transitionReason: string
  stateReason: { code: string; message: string } | null
  clientToken: string
  spotRequestId: string
  shutdownBehavior: string
  cpuCredits: string
  disableApiTermination: boolean
  disableApiStop: boolean
  vcpus: number
}

/** The life so far of something new, from `pending`. */
export function beginLife(world: World, record: InstanceRecord): void {
  world.instances.set(record.id, record)
  for (const { id, gib, type, deleteOnTermination } of volumesOf(record)) {
    world.volumes.set(id, { madeUtcMs: utcMsOf(world.clock.now()), deleteOnTermination })
    world.bill.start({ what: "volume", id, gib, type, tags: tagsOf(record), zone: record.zone, market: "" })
  }
  becomePending(world, record)
}

export function becomePending(world: World, record: InstanceRecord): void {
  record.launchUtcMs = utcMsOf(world.clock.now())
  record.starts++
  record.transitionReason = ""
  record.stateReason = null
  enter(record, "pending")
  later(world, record, world.knobs.pendingMs, () => {
    enter(record, "running")
    record.runningSinceUtcMs = utcMsOf(world.clock.now())
    const line = { id: record.id, type: record.type, zone: record.zone, tags: tagsOf(record), gib: 0 }
    world.bill.start({
      ...line,
      what: "instance",
      market: record.spotRequestId === "" ? "on-demand" : "spot",
    })
    if (textAt(record.item, "ipAddress") !== "") world.bill.start({ ...line, what: "address", market: "" })
  })
}

/** Why something ends: by a call, from inside, or by EC2. */
export interface Cause {
  code: string
  message: string
  /** Whether StateTransitionReason tells the time. */
  dated: boolean
}

export const causes = {
  user: {
    code: "Client.UserInitiatedShutdown",
    message: "Client.UserInitiatedShutdown: User initiated shutdown",
    dated: true,
  },
  hibernate: {
    code: "Client.UserInitiatedHibernate",
    message: "Client.UserInitiatedHibernate: User initiated hibernate",
    dated: true,
  },
  inside: {
    code: "Client.InstanceInitiatedShutdown",
    message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
    dated: false,
  },
  spot: {
    code: "Server.SpotInstanceTermination",
    message: "Server.SpotInstanceTermination: Spot instance termination",
    dated: false,
  },
  failure: {
    code: "Server.InternalError",
    message: "Server.InternalError: Internal error on launch",
    dated: false,
  },
} as const satisfies Record<string, Cause>

export function stop(world: World, record: InstanceRecord, cause: Cause): void {
  if (record.state !== "running" && record.state !== "pending") return
  // Hibernating is billed until the memory is written.
  if (cause === causes.hibernate) tellWhy(world, record, cause)
  else endRunning(world, record, cause)
  enter(record, "stopping")
  later(world, record, world.knobs.stoppingMs, () => {
    if (cause === causes.hibernate) endBill(world, record, { free: false })
    enter(record, "stopped")
  })
}

export function terminate(world: World, record: InstanceRecord, cause: Cause): void {
  if (record.state === "terminated" || record.state === "shutting-down") return
  endRunning(world, record, cause)
  closeSpotRequest(world, record, cause)
  enter(record, "shutting-down")
  later(world, record, world.knobs.shuttingDownMs, () => {
    enter(record, "terminated")
    record.terminatedAtUtcMs = utcMsOf(world.clock.now())
    for (const { id, deleteOnTermination } of volumesOf(record))
      if (deleteOnTermination) world.bill.end("volume", id)
  })
}

/** Whether DescribeInstances still shows it: for about an hour after its end. */
export function isVisible(world: World, record: InstanceRecord): boolean {
  return (
    record.terminatedAtUtcMs === null ||
    world.clock.now() < record.terminatedAtUtcMs + world.knobs.vanishAfterMs
  )
}

const hourMs = 3_600_000

function endRunning(world: World, record: InstanceRecord, cause: Cause): void {
  const now = world.clock.now()
  const ranMs = record.runningSinceUtcMs === null ? 0 : now - record.runningSinceUtcMs
  endBill(world, record, { free: cause === causes.spot && ranMs < hourMs })
  tellWhy(world, record, cause)
}

function endBill(world: World, record: InstanceRecord, { free }: { free: boolean }): void {
  world.bill.end("instance", record.id, { free })
  world.bill.end("address", record.id)
  record.runningSinceUtcMs = null
}

function tellWhy(world: World, record: InstanceRecord, cause: Cause): void {
  const now = world.clock.now()
  record.stateReason = { code: cause.code, message: cause.message }
  const gmt = new Date(now).toISOString().slice(0, 19).replace("T", " ")
  record.transitionReason = cause.dated
    ? `User initiated (${gmt} GMT)`
    : cause === causes.failure
      ? cause.code
      : ""
}

function closeSpotRequest(world: World, record: InstanceRecord, cause: Cause): void {
  const request = world.spotRequests.get(record.spotRequestId)
  if (!request || request.state === "cancelled") return
  request.state = "closed"
  request.statusCode =
    cause === causes.spot ? "instance-terminated-no-capacity" : "instance-terminated-by-user"
}

function enter(record: InstanceRecord, state: State): void {
  record.state = state
  record.transition += 1
  if (state === "stopped" || state === "terminated") record.stale = true
}

function later(world: World, record: InstanceRecord, ms: number, act: () => void): void {
  const { transition } = record
  world.clock.at(utcMsOf(world.clock.now() + ms), () => {
    if (record.transition === transition) act()
  })
}

export function tagsOf(record: InstanceRecord): Record<string, string> {
  return Object.fromEntries(
    findAll(record.item, "tagSet/item").map((tag) => [textAt(tag, "key"), textAt(tag, "value")]),
  )
}

/** The volumes made at the launch; their sizes are kept beside moto's item. */
export function volumesOf(
  record: InstanceRecord,
): { id: string; gib: number; type: string; deleteOnTermination: boolean }[] {
  return findAll(record.item, "blockDeviceMapping/item").map((device) => ({
    id: textAt(device, "ebs/volumeId"),
    gib: Number(textAt(device, "ebs/gib") || 0),
    type: textAt(device, "ebs/type"),
    deleteOnTermination: textAt(device, "ebs/deleteOnTermination") === "true",
  }))
}
