/** EC2's part of a sweep. */
import {
  DeleteKeyPairCommand,
  DeleteNatGatewayCommand,
  DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeAddressesCommand,
  DescribeImagesCommand,
  DescribeKeyPairsCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  ReleaseAddressCommand,
} from "@aws-sdk/client-ec2"
import { noMicroUsd } from "../../base/money.ts"
import { type UtcMs, utcMsOf } from "../../base/time.ts"
import { natGatewayMicroUsdPerHour } from "../../decisions/pricing/network_prices.ts"
import {
  publicIpv4MicroUsdPerHour,
  type StorageList,
  snapshotPriceOf,
  volumePriceOf,
} from "../../decisions/pricing/prices.ts"
import type { Leftover, LeftoverKind } from "../../decisions/sweep/leftover.ts"
import { connectEc2 } from "../ec2/connection.ts"
import { tagRecord } from "../ec2/tags.ts"
import type { Ec2 } from "../interfaces.ts"
import type { Outcome } from "../outcome.ts"
import { type AwsSettings, outcomeOf } from "../protocol/connection.ts"
import { paginate, required } from "../protocol/pages.ts"
import type { LeftoverListing } from "./interfaces.ts"

const dateOf = (text: string | undefined): UtcMs | null => {
  const ms = Date.parse(text ?? "")
  return Number.isNaN(ms) ? null : utcMsOf(ms)
}

/** `ec2` lists what other operations list, too. */
export function ec2Leftovers(
  settings: AwsSettings,
  ec2: Ec2,
  prices: StorageList,
): {
  listings: LeftoverListing[]
  removals: Partial<Record<LeftoverKind, (id: string) => Promise<Outcome>>>
} {
  const { send, region } = connectEc2(settings)
  const one = (
    kind: LeftoverKind,
    rest: Omit<Leftover, "kind" | "region" | "microUsdPerHour"> & Partial<Leftover>,
  ): Leftover => ({
    microUsdPerHour: noMicroUsd,
    ...rest,
    kind,
    region,
  })

  const instances = async () =>
    (await ec2.instances({ states: ["pending", "running", "stopping", "stopped"] })).map((found) =>
      one("instance", {
        ...{ id: found.id, name: found.tags.Name ?? "", tags: found.tags, usedBy: found.state },
        createdAtUtcMs: found.firstAttachedUtcMs ?? found.launchedAtUtcMs,
        microUsdPerHour: null,
      }),
    )

  const volumes = async () =>
    (await ec2.volumes()).map((found) =>
      one("volume", {
        ...{ id: found.id, name: found.tags.Name ?? "", tags: found.tags, usedBy: found.attachedTo },
        createdAtUtcMs: found.createdAtUtcMs,
        microUsdPerHour: volumePriceOf(found, region, prices),
      }),
    )

  const ownImages = async () => {
    const action = "describe images"
    return paginate(
      action,
      (NextToken) => send(action, new DescribeImagesCommand({ Owners: ["self"], NextToken })),
      (page) => page.Images,
    )
  }

  const images = async () =>
    (await ownImages()).map((found) =>
      one("image", {
        ...{ id: found.ImageId ?? "", name: found.Name ?? "", tags: tagRecord(found.Tags), usedBy: "" },
        createdAtUtcMs: dateOf(found.CreationDate),
      }),
    )

  const snapshots = async () => {
    const [all, own] = await Promise.all([ec2.snapshots(), ownImages()])
    const imageOf = new Map(
      own.flatMap(({ ImageId = "", BlockDeviceMappings = [] }) =>
        BlockDeviceMappings.map(({ Ebs }) => [Ebs?.SnapshotId ?? "", ImageId] as const),
      ),
    )
    return all.map((found) =>
      one("snapshot", {
        ...{
          id: found.id,
          name: found.tags.Name ?? "",
          tags: found.tags,
          usedBy: imageOf.get(found.id) ?? "",
        },
        createdAtUtcMs: found.startedAtUtcMs,
        microUsdPerHour: snapshotPriceOf(found.gib, region, prices),
      }),
    )
  }

  const addresses = async () => {
    const action = "describe addresses"
    const reply = await send(action, new DescribeAddressesCommand({}))
    return required(action, reply.Addresses).map((found) =>
      one("address", {
        ...{ id: found.AllocationId ?? "", name: found.PublicIp ?? "", tags: tagRecord(found.Tags) },
        usedBy: found.InstanceId || found.NetworkInterfaceId || "",
        createdAtUtcMs: null,
        microUsdPerHour: publicIpv4MicroUsdPerHour,
      }),
    )
  }

  const allInterfaces = async () => {
    const action = "describe network interfaces"
    return paginate(
      action,
      (NextToken) => send(action, new DescribeNetworkInterfacesCommand({ NextToken, MaxResults: 1000 })),
      (page) => page.NetworkInterfaces,
    )
  }

  const interfaces = async () =>
    (await allInterfaces())
      // AWS makes and removes those of its own services.
      .filter(({ RequesterManaged }) => RequesterManaged !== true)
      .map((found) =>
        one("interface", {
          ...{
            id: found.NetworkInterfaceId ?? "",
            name: found.Description ?? "",
            tags: tagRecord(found.TagSet),
          },
          usedBy: found.Attachment?.InstanceId || (found.Status === "in-use" ? "something" : ""),
          createdAtUtcMs: null,
        }),
      )

  const groups = async () => {
    const action = "describe security groups"
    const [all, used] = await Promise.all([
      paginate(
        action,
        (NextToken) => send(action, new DescribeSecurityGroupsCommand({ NextToken, MaxResults: 1000 })),
        (page) => page.SecurityGroups,
      ),
      allInterfaces(),
    ])
    const userOf = new Map(
      used.flatMap(({ Groups = [], NetworkInterfaceId = "" }) =>
        Groups.map(({ GroupId = "" }) => [GroupId, NetworkInterfaceId] as const),
      ),
    )
    return all
      .filter(({ GroupName }) => GroupName !== "default")
      .map((found) =>
        one("security group", {
          ...{ id: found.GroupId ?? "", name: found.GroupName ?? "", tags: tagRecord(found.Tags) },
          usedBy: userOf.get(found.GroupId ?? "") ?? "",
          createdAtUtcMs: null,
        }),
      )
  }

  const keyPairs = async () => {
    const action = "describe key pairs"
    const reply = await send(action, new DescribeKeyPairsCommand({}))
    return required(action, reply.KeyPairs).map((found) =>
      one("key pair", {
        ...{ id: found.KeyPairId ?? "", name: found.KeyName ?? "", tags: tagRecord(found.Tags), usedBy: "" },
        createdAtUtcMs: found.CreateTime ? utcMsOf(found.CreateTime.getTime()) : null,
      }),
    )
  }

  const natGateways = async () => {
    const action = "describe NAT gateways"
    const all = await paginate(
      action,
      (NextToken) => send(action, new DescribeNatGatewaysCommand({ NextToken, MaxResults: 1000 })),
      (page) => page.NatGateways,
    )
    return all
      .filter(({ State }) => State !== "deleted" && State !== "deleting")
      .map((found) =>
        one("NAT gateway", {
          ...{
            id: found.NatGatewayId ?? "",
            name: found.SubnetId ?? "",
            tags: tagRecord(found.Tags),
            usedBy: "",
          },
          createdAtUtcMs: found.CreateTime ? utcMsOf(found.CreateTime.getTime()) : null,
          microUsdPerHour: natGatewayMicroUsdPerHour,
        }),
      )
  }

  return {
    listings: [
      { what: "instances", list: instances },
      { what: "volumes", list: volumes },
      { what: "snapshots", list: snapshots },
      { what: "images", list: images },
      { what: "addresses", list: addresses },
      { what: "network interfaces", list: interfaces },
      { what: "security groups", list: groups },
      { what: "key pairs", list: keyPairs },
      { what: "NAT gateways", list: natGateways },
    ],
    removals: {
      volume: async (id) => outcomeOf(await send(`delete ${id}`, new DeleteVolumeCommand({ VolumeId: id }))),
      snapshot: async (id) =>
        outcomeOf(await send(`delete ${id}`, new DeleteSnapshotCommand({ SnapshotId: id }))),
      image: async (id) =>
        outcomeOf(await send(`deregister ${id}`, new DeregisterImageCommand({ ImageId: id }))),
      address: async (id) =>
        outcomeOf(await send(`release ${id}`, new ReleaseAddressCommand({ AllocationId: id }))),
      interface: async (id) =>
        outcomeOf(await send(`delete ${id}`, new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id }))),
      "security group": async (id) =>
        outcomeOf(await send(`delete ${id}`, new DeleteSecurityGroupCommand({ GroupId: id }))),
      "key pair": async (id) =>
        outcomeOf(await send(`delete ${id}`, new DeleteKeyPairCommand({ KeyPairId: id }))),
      "NAT gateway": async (id) =>
        outcomeOf(await send(`delete ${id}`, new DeleteNatGatewayCommand({ NatGatewayId: id }))),
    },
  }
}
