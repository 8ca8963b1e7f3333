/** The block devices of a launch: the image's own, with what the request says of them, and what it adds. */
import { AwsFault, type Form } from "./request.ts"
import type { World } from "./world.ts"
import { findAll, textAt } from "./xml.ts"

export interface Device {
  name: string
  gib: number
  type: string
  snapshotId: string
  deleteOnTermination: boolean
  encrypted: boolean
  iops: string
  throughput: string
  kmsKeyId: string
}

export async function blockDevicesOf(world: World, region: string, form: Form): Promise<Device[]> {
  const imageId = form.get("ImageId") ?? ""
  const document = await world.moto.queryKept(region, "DescribeImages", { "ImageId.1": imageId })
  const devices = new Map<string, Device>()
  for (const mapping of findAll(document, "imagesSet/item/blockDeviceMapping/item")) {
    const name = textAt(mapping, "deviceName")
    const isEbs = findAll(mapping, "ebs").length > 0
    if (!isEbs) continue
    devices.set(name, {
      name,
      gib: Number(textAt(mapping, "ebs/volumeSize")),
      type: textAt(mapping, "ebs/volumeType") || "gp2",
      snapshotId: textAt(mapping, "ebs/snapshotId"),
      deleteOnTermination: textAt(mapping, "ebs/deleteOnTermination") !== "false",
      encrypted: textAt(mapping, "ebs/encrypted") === "true",
      ...{ iops: "", throughput: "", kmsKeyId: "" },
    })
  }
  for (const asked of form.members("BlockDeviceMapping")) {
    const name = asked.get("DeviceName") ?? ""
    if (asked.get("NoDevice") !== undefined) devices.delete(name)
    else if (asked.get("VirtualName") === undefined) devices.set(name, merged(name, devices.get(name), asked))
  }
  return [...devices.values()]
}

function merged(name: string, ofImage: Device | undefined, asked: Form): Device {
  const size = asked.get("Ebs.VolumeSize")
  const gib = size === undefined ? (ofImage?.gib ?? 0) : Number(size)
  const snapshotId = asked.get("Ebs.SnapshotId") ?? ofImage?.snapshotId ?? ""
  if (gib <= 0)
    throw new AwsFault("MissingParameter", "The request must contain the parameter size or snapshotId")
  if (ofImage && gib < ofImage.gib) {
    throw new AwsFault(
      "InvalidBlockDeviceMapping",
      `Volume of size ${gib}GB is smaller than snapshot '${snapshotId}', expect size >= ${ofImage.gib}GB`,
    )
  }
  return {
    name,
    gib,
    type: asked.get("Ebs.VolumeType") ?? ofImage?.type ?? "gp2",
    snapshotId,
    deleteOnTermination: asked.get("Ebs.DeleteOnTermination") !== "false",
    encrypted: asked.get("Ebs.Encrypted") === "true" || (ofImage?.encrypted ?? false),
    iops: asked.get("Ebs.Iops") ?? "",
    throughput: asked.get("Ebs.Throughput") ?? "",
    kmsKeyId: asked.get("Ebs.KmsKeyId") ?? "",
  }
}

/** The mapping written out in full, as moto wants it. */
export function deviceFields(devices: Device[]): Record<string, string> {
  return Object.fromEntries(
    devices.flatMap((device, index) => {
      const prefix = `BlockDeviceMapping.${index + 1}`
      const fields: [string, string][] = [
        [`${prefix}.DeviceName`, device.name],
        [`${prefix}.Ebs.VolumeSize`, String(device.gib)],
        [`${prefix}.Ebs.VolumeType`, device.type],
        [`${prefix}.Ebs.DeleteOnTermination`, String(device.deleteOnTermination)],
        [`${prefix}.Ebs.SnapshotId`, device.snapshotId],
        [`${prefix}.Ebs.Encrypted`, device.encrypted ? "true" : ""],
        [`${prefix}.Ebs.Iops`, device.iops],
        [`${prefix}.Ebs.KmsKeyId`, device.kmsKeyId],
      ]
      return fields.filter(([, value]) => value !== "")
    }),
  )
}
