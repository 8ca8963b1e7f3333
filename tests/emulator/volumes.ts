/** Volumes and addresses that are made and removed by themselves, for the bill; moto does the rest. */
import { utcMsOf } from "../../lib/base/time.ts"
import { parsed } from "./moto_client.ts"
import type { AwsRequest, Reply } from "./request.ts"
import { tagsFor } from "./run_instances.ts"
import type { World } from "./world.ts"
import { findAll, setChild, textAt, writeXml } from "./xml.ts"

export async function createVolume(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  const document = parsed(reply)
  const id = textAt(document, "volumeId")
  world.volumes.set(id, { madeUtcMs: utcMsOf(world.clock.now()), deleteOnTermination: false })
  world.bill.start({
    what: "volume",
    id,
    type: textAt(document, "volumeType"),
    gib: Number(textAt(document, "size")),
    zone: textAt(document, "availabilityZone"),
    market: "",
    tags: tagsFor(request.form, "volume"),
  })
  return reply
}

/** moto's answer with what it does not know: the emulated time, and what goes with its instance. */
export async function describeVolumes(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  const document = parsed(reply)
  for (const item of findAll(document, "volumeSet/item")) {
    const known = world.volumes.get(textAt(item, "volumeId"))
    if (!known) continue
    setChild(item, "createTime", new Date(known.madeUtcMs).toISOString())
    for (const attachment of findAll(item, "attachmentSet/item"))
      setChild(attachment, "deleteOnTermination", known.deleteOnTermination)
  }
  return { ...reply, body: writeXml(document) }
}

export async function deleteVolume(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  if (reply.status < 300) world.bill.end("volume", request.form.get("VolumeId") ?? "")
  return reply
}

export async function allocateAddress(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  const id = textAt(parsed(reply), "allocationId")
  const tags = tagsFor(request.form, "elastic-ip")
  world.bill.start({ what: "address", id, type: "", gib: 0, zone: "", market: "", tags })
  return reply
}

export async function releaseAddress(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  if (reply.status < 300) world.bill.end("address", request.form.get("AllocationId") ?? "")
  return reply
}
