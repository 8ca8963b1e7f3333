/** An instance as a call shows it: moto's item with what the proxy knows better. */
import type { UtcMs } from "../../lib/base/time.ts"
import { type InstanceRecord, type State, stateCodes, volumesOf } from "./instance_record.ts"
import type { World } from "./world.ts"
import { type Element, element, find, findAll, setChild, textAt } from "./xml.ts"

const isoOf = (utcMs: UtcMs) => new Date(Math.floor(utcMs / 1000) * 1000).toISOString()

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
  renewAddress(record, item)
  hideWhatIsGone(world, record, item)
  return item
}

/** EC2 takes back the public address of what is stopped, and gives another one at its next start. */
function renewAddress({ starts }: InstanceRecord, item: Element): void {
  if (starts < 2) return
  const address = textAt(item, "ipAddress")
  if (address === "") return
  const [a = "", b, c, d] = address.split(".")
  const fresh = [100 + ((Number(a) + starts) % 100), b, c, d].join(".")
  const name = textAt(item, "dnsName").replace(address.replaceAll(".", "-"), fresh.replaceAll(".", "-"))
  setChild(item, "ipAddress", fresh)
  setChild(item, "dnsName", name)
  const associations = [
    "networkInterfaceSet/item/association",
    "networkInterfaceSet/item/privateIpAddressesSet/item/association",
  ]
  for (const association of associations.flatMap((path) => findAll(item, path))) {
    setChild(association, "publicIp", fresh)
    setChild(association, "publicDnsName", name)
  }
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

/** What an answer of StopInstances and the like says that was before, as CloudTrail keeps it. */
export function changesIn(body: string): { instanceId: string; previousState: { name: string } }[] {
  return [...body.matchAll(/<item>(?:(?!<\/item>).)*?<previousState>.*?<\/item>/gs)].flatMap(([item]) => {
    const instanceId = /<instanceId>(.*?)</.exec(item)?.[1]
    const name = /<previousState>.*?<name>(.*?)</s.exec(item)?.[1]
    return instanceId && name ? [{ instanceId, previousState: { name } }] : []
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
