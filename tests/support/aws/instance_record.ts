/** An instance's life as EC2 shows it: states that take time, what each transition says of itself, and what it bills. */
import type { World } from "./world.ts"
import { type Element, element, find, findAll, setChild, textAt } from "./xml.ts"

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
  firstLaunchUtcMs: number
  launchUtcMs: number
  /** When `running` began; null while it is not running. */
  runningSinceUtcMs: number | null
  terminatedAtUtcMs: number | null
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
  for (const { id, gib, type } of volumesOf(record)) {
    world.bill.start({ what: "volume", id, gib, type, tags: tagsOf(record), zone: record.zone, market: "" })
  }
  becomePending(world, record)
}

export function becomePending(world: World, record: InstanceRecord): void {
  record.launchUtcMs = world.clock.now()
  record.transitionReason = ""
  record.stateReason = null
  enter(record, "pending")
  later(world, record, world.knobs.pendingMs, () => {
    enter(record, "running")
    record.runningSinceUtcMs = world.clock.now()
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
  endRunning(world, record, cause)
  enter(record, "stopping")
  later(world, record, world.knobs.stoppingMs, () => enter(record, "stopped"))
}

export function terminate(world: World, record: InstanceRecord, cause: Cause): void {
  if (record.state === "terminated" || record.state === "shutting-down") return
  endRunning(world, record, cause)
  closeSpotRequest(world, record, cause)
  enter(record, "shutting-down")
  later(world, record, world.knobs.shuttingDownMs, () => {
    enter(record, "terminated")
    record.terminatedAtUtcMs = world.clock.now()
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
  world.bill.end("instance", record.id, { free: cause === causes.spot && ranMs < hourMs })
  world.bill.end("address", record.id)
  record.runningSinceUtcMs = null
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
  world.clock.at(world.clock.now() + ms, () => {
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

const isoOf = (utcMs: number) => new Date(Math.floor(utcMs / 1000) * 1000).toISOString()

/** The item as DescribeInstances shows it now. */
export function shownItem(world: World, record: InstanceRecord): Element {
  const item = structuredClone(record.item)
  setChild(item, "instanceState", { code: stateCodes[record.state], name: record.state })
  setChild(item, "launchTime", isoOf(record.launchUtcMs))
  setChild(item, "reason", record.transitionReason)
  setChild(item, "stateReason", record.stateReason)
  setChild(item, "clientToken", record.clientToken)
  setChild(item, "instanceLifecycle", record.spotRequestId === "" ? null : "spot")
  setChild(item, "spotInstanceRequestId", record.spotRequestId === "" ? null : record.spotRequestId)
  for (const device of findAll(item, "blockDeviceMapping/item/ebs")) {
    for (const ours of ["gib", "type"]) setChild(device, ours, null)
    setChild(device, "attachTime", isoOf(record.firstLaunchUtcMs))
  }
  for (const network of findAll(item, "networkInterfaceSet/item/attachment")) {
    setChild(network, "attachTime", isoOf(record.firstLaunchUtcMs))
  }
  hideWhatIsGone(world, record, item)
  return item
}

function hideWhatIsGone(world: World, record: InstanceRecord, item: Element): void {
  if (record.state !== "running" && record.state !== "pending") {
    for (const name of ["ipAddress", "dnsName"]) setChild(item, name, null)
    for (const network of findAll(item, "networkInterfaceSet/item")) setChild(network, "association", null)
  }
  if (record.terminatedAtUtcMs === null) return
  for (const name of ["networkInterfaceSet", "blockDeviceMapping", "groupSet"]) setChild(item, name, [])
  for (const name of ["subnetId", "vpcId", "privateIpAddress", "privateDnsName"]) setChild(item, name, null)
  if (world.clock.now() >= record.terminatedAtUtcMs + world.knobs.tagsVanishAfterMs)
    setChild(item, "tagSet", [])
}

/** `currentState` and `previousState`, as the replies of stop, start and terminate tell them. */
export function stateChange(record: InstanceRecord, previous: State): Element {
  return element("item", {
    instanceId: record.id,
    currentState: { code: stateCodes[record.state], name: record.state },
    previousState: { code: stateCodes[previous], name: previous },
  })
}

/** Takes over moto's item, keeping what the proxy noted in it. */
export function refreshItem(record: InstanceRecord, item: Element): void {
  const sizes = new Map(volumesOf(record).map((volume) => [volume.id, volume]))
  for (const ebs of findAll(item, "blockDeviceMapping/item/ebs")) {
    const known = sizes.get(textAt(ebs, "volumeId"))
    if (known) {
      setChild(ebs, "gib", known.gib)
      setChild(ebs, "type", known.type)
    }
  }
  // A terminated instance of moto's has no devices; the bill still needs them.
  const devices = find(record.item, "blockDeviceMapping")
  if (findAll(item, "blockDeviceMapping/item").length === 0 && devices) {
    item.children = [...item.children.filter(({ name }) => name !== "blockDeviceMapping"), devices]
  }
  record.item = item
  record.stale = false
}
