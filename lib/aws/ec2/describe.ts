/** Describes images, subnets, volumes, addresses, tags: what an instance is made of and placed in. */

import {
  CreateTagsCommand,
  DescribeAddressesCommand,
  DescribeImagesCommand,
  DescribeInstanceTypesCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  type Image as SdkImage,
  type Volume as SdkVolume,
} from "@aws-sdk/client-ec2"
import { type Image, tagOf, type Volume } from "../../base/instance.ts"
import { utcMsOf } from "../../base/time.ts"
import type { Ec2 } from "../interfaces.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { hasCode } from "../protocol/errors.ts"
import { paginate, required } from "../protocol/pages.ts"
import { isAskedFor } from "./answers.ts"
import { asksForNothing, type Ec2Connection, filters, pageSize } from "./connection.ts"
import { tagList, tagRecord } from "./tags.ts"

type Calls = Pick<Ec2, "image" | "describeTypes" | "subnets" | "volumes" | "addresses" | "tag">

export function describeCalls({ send }: Ec2Connection): Calls {
  return {
    async image(id) {
      const action = `describe image ${id}`
      try {
        const reply = await send(action, new DescribeImagesCommand({ ImageIds: [id] }))
        const image = required(action, reply.Images).find(({ ImageId }) => ImageId === id)
        return image ? toImage(image) : null
      } catch (error) {
        if (hasCode(error, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidAMIID.Malformed"))
          return null
        throw error
      }
    },

    async describeTypes(types) {
      const action = "describe instance types"
      const wanted = { "instance-type": [...types] }
      if (asksForNothing(wanted)) return []
      // A filter: a name that EC2 does not know fails a request that lists it.
      const all = await paginate(
        action,
        (NextToken) =>
          send(action, new DescribeInstanceTypesCommand({ Filters: filters(wanted), NextToken })),
        (page) => page.InstanceTypes,
      )
      return all.map(({ InstanceType, VCpuInfo, ProcessorInfo }) => ({
        type: required(action, InstanceType),
        vcpus: VCpuInfo?.DefaultVCpus ?? 0,
        architectures: ProcessorInfo?.SupportedArchitectures ?? [],
      }))
    },

    async subnets({ ids, tags, defaultOnly } = {}) {
      const action = "describe subnets"
      const wanted = { "subnet-id": ids, "default-for-az": defaultOnly ? ["true"] : undefined }
      if (asksForNothing(wanted)) return []
      const all = await paginate(
        action,
        (NextToken) =>
          send(
            action,
            new DescribeSubnetsCommand({ Filters: filters(wanted, tags), MaxResults: pageSize, NextToken }),
          ),
        (page) => page.Subnets,
      )
      const subnets = all.map((subnet) => ({
        id: required(action, subnet.SubnetId),
        vpcId: subnet.VpcId ?? "",
        zone: subnet.AvailabilityZone ?? "",
        defaultForZone: subnet.DefaultForAz ?? false,
        mapPublicIp: subnet.MapPublicIpOnLaunch ?? false,
        tags: tagRecord(subnet.Tags),
      }))
      return subnets.filter(
        (subnet) =>
          isAskedFor([[ids, subnet.id]], tags, subnet.tags) && (!defaultOnly || subnet.defaultForZone),
      )
    },

    async volumes({ ids, tags } = {}) {
      const action = "describe volumes"
      if (asksForNothing({ ids })) return []
      const all = await paginate(
        action,
        (NextToken) =>
          send(
            action,
            new DescribeVolumesCommand({
              Filters: filters({ "volume-id": ids }, tags),
              MaxResults: pageSize,
              NextToken,
            }),
          ),
        (page) => page.Volumes,
      )
      return all
        .map((volume) => toVolume(action, volume))
        .filter((volume) => isAskedFor([[ids, volume.id]], tags, volume.tags))
    },

    async addresses({ tags } = {}) {
      const action = "describe addresses"
      // The one listing of EC2 that has no pages.
      const reply = await send(action, new DescribeAddressesCommand({ Filters: filters({}, tags) }))
      const all = required(action, reply.Addresses).map((address) => ({
        allocationId: address.AllocationId ?? "",
        publicIp: address.PublicIp ?? "",
        instanceId: address.InstanceId ?? "",
        tags: tagRecord(address.Tags),
      }))
      return all.filter((address) => isAskedFor([], tags, address.tags))
    },

    async tag(ids, tags) {
      const command = new CreateTagsCommand({ Resources: ids, Tags: tagList(tags) })
      return outcomeOf(await send(`tag ${ids.join(", ")}`, command))
    },
  }
}

function toImage(image: SdkImage): Image {
  return {
    id: image.ImageId ?? "",
    name: image.Name ?? "",
    state: image.State ?? "",
    architecture: image.Architecture ?? "",
    platform: (image.Platform ?? "").toLowerCase(),
    usageOperation: image.UsageOperation ?? "",
    productCodes: (image.ProductCodes ?? []).map(({ ProductCodeId }) => ProductCodeId ?? ""),
    rootDevice: image.RootDeviceName ?? "",
    blockDevices: (image.BlockDeviceMappings ?? []).map(({ DeviceName, Ebs }) => ({
      device: DeviceName ?? "",
      ebs: Ebs
        ? {
            snapshotId: Ebs.SnapshotId ?? "",
            gib: Ebs.VolumeSize ?? 0,
            type: Ebs.VolumeType ?? "",
            iops: Ebs.Iops ?? 0,
            encrypted: Ebs.Encrypted ?? false,
            deleteOnTermination: Ebs.DeleteOnTermination ?? false,
          }
        : null,
    })),
  }
}

function toVolume(action: string, volume: SdkVolume): Volume {
  const attachment = volume.Attachments?.[0]
  const tags = tagRecord(volume.Tags)
  // moto does not say it; what a launch of ours made, with the lease's tag, goes with its instance
  const goes = attachment?.DeleteOnTermination ?? (attachment !== undefined && tagOf.leaseEnd in tags)
  return {
    id: required(action, volume.VolumeId),
    type: volume.VolumeType ?? "",
    gib: volume.Size ?? 0,
    iops: volume.Iops ?? 0,
    throughput: volume.Throughput ?? 0,
    state: volume.State ?? "",
    zone: volume.AvailabilityZone ?? "",
    encrypted: volume.Encrypted ?? false,
    createdAtUtcMs: utcMsOf(required(action, volume.CreateTime).getTime()),
    attachedTo: attachment?.InstanceId ?? "",
    deleteOnTermination: goes,
    tags,
  }
}
