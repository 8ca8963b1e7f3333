/** From a launch that policy has allowed to RunInstances. */
import type {
  ResourceType,
  RunInstancesCommandInput,
  TagSpecification,
  VolumeType,
} from "@aws-sdk/client-ec2"
import { toUsd } from "../../base/money.ts"
import type { LaunchRequest } from "../interfaces.ts"
import { tagList } from "./tags.ts"

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html */
export function runInstancesInput(request: LaunchRequest, dryRun: boolean): RunInstancesCommandInput {
  return {
    ...(dryRun ? { DryRun: true } : {}),
    ClientToken: request.clientToken,
    ImageId: request.imageId,
    InstanceType: request.instanceType as NonNullable<RunInstancesCommandInput["InstanceType"]>,
    // All or nothing: half a launch would have to be told apart from a whole one after a lost reply.
    MinCount: request.count,
    MaxCount: request.count,
    ...(request.keyName === "" ? {} : { KeyName: request.keyName }),
    SecurityGroupIds: request.securityGroupIds,
    InstanceInitiatedShutdownBehavior: request.shutdownBehavior,
    MetadataOptions: {
      HttpTokens: "required",
      HttpEndpoint: "enabled",
      // The shutdown timer on the instance reads its lease there.
      InstanceMetadataTags: "enabled",
    },
    TagSpecifications: tagSpecifications(request),
    BlockDeviceMappings: request.blockDevices.map((device) => ({
      DeviceName: device.device,
      Ebs: {
        VolumeSize: device.gib,
        VolumeType: device.type as VolumeType,
        Encrypted: true,
        DeleteOnTermination: true,
        ...(device.iops === null ? {} : { Iops: device.iops }),
        ...(device.throughput === null ? {} : { Throughput: device.throughput }),
        ...(device.snapshotId === null ? {} : { SnapshotId: device.snapshotId }),
      },
    })),
    ...(request.subnetId === null ? {} : { SubnetId: request.subnetId }),
    ...(request.userData === null ? {} : { UserData: request.userData }),
    ...(request.standardCredits ? { CreditSpecification: { CpuCredits: "standard" } } : {}),
    ...placementOf(request),
    ...profileOf(request),
    ...marketOf(request),
  }
}

function tagSpecifications({ tags, spotMaxMicroUsdPerHour }: LaunchRequest): TagSpecification[] {
  if (Object.keys(tags).length === 0) return []
  const types: ResourceType[] = ["instance", "volume", "network-interface"]
  if (spotMaxMicroUsdPerHour !== null) types.push("spot-instances-request")
  return types.map((ResourceType) => ({ ResourceType, Tags: tagList(tags) }))
}

function placementOf({ zone, placementGroup }: LaunchRequest): Pick<RunInstancesCommandInput, "Placement"> {
  if (zone === null && placementGroup === null) return {}
  return {
    Placement: {
      ...(zone === null ? {} : { AvailabilityZone: zone }),
      ...(placementGroup === null ? {} : { GroupName: placementGroup }),
    },
  }
}

function profileOf({ instanceProfile }: LaunchRequest): Pick<RunInstancesCommandInput, "IamInstanceProfile"> {
  if (instanceProfile === null) return {}
  return {
    IamInstanceProfile: instanceProfile.startsWith("arn:")
      ? { Arn: instanceProfile }
      : { Name: instanceProfile },
  }
}

/** Synchronous spot: the request that AWS makes ends with the instance, so that nothing pends uncounted. */
function marketOf({
  spotMaxMicroUsdPerHour,
}: LaunchRequest): Pick<RunInstancesCommandInput, "InstanceMarketOptions"> {
  if (spotMaxMicroUsdPerHour === null) return {}
  return {
    InstanceMarketOptions: {
      MarketType: "spot",
      SpotOptions: {
        MaxPrice: toUsd(spotMaxMicroUsdPerHour).toFixed(6),
        SpotInstanceType: "one-time",
        InstanceInterruptionBehavior: "terminate",
      },
    },
  }
}
