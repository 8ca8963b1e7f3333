/** Volumes and addresses that are made and removed by themselves, for the bill; moto does the rest. */
import { parsed } from "./moto_client.ts"
import type { AwsRequest, Reply } from "./request.ts"
import { tagsFor } from "./run_instances.ts"
import type { World } from "./world.ts"
import { textAt } from "./xml.ts"

export async function createVolume(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  const document = parsed(reply)
  world.bill.start({
    what: "volume",
    id: textAt(document, "volumeId"),
    type: textAt(document, "volumeType"),
    gib: Number(textAt(document, "size")),
    zone: textAt(document, "availabilityZone"),
    market: "",
    tags: tagsFor(request.form, "volume"),
  })
  return reply
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
