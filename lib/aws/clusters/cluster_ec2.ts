/** EC2 as a cluster's owner needs it: its own security groups, volumes and consoles. */
import {
  AttachVolumeCommand,
  DescribeInstanceTypesCommand,
  DescribeSnapshotsCommand,
  GetConsoleOutputCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { connectEc2, pageSize } from "../ec2/connection.ts"
import { openEc2 } from "../ec2/ec2.ts"
import type { AwsSettings } from "../protocol/connection.ts"
import { hasCode, ignoreCode } from "../protocol/errors.ts"
import { paginate, required } from "../protocol/pages.ts"
import type { ClusterEc2 } from "./cluster_interfaces.ts"

/** EC2 in the region of the settings, with what clusters need besides. */
export function openClusterEc2(settings: AwsSettings): ClusterEc2 {
  const connection = connectEc2(settings)
  const { send } = connection

  return {
    ...openEc2(settings),

    async terminateAll(ids) {
      const unknown: string[] = []
      for (let start = 0; start < ids.length; start += pageSize) {
        const some = ids.slice(start, start + pageSize)
        const terminate = (InstanceIds: string[]) =>
          send(`terminate ${InstanceIds.join(", ")}`, new TerminateInstancesCommand({ InstanceIds }))
        try {
          await terminate(some)
        } catch (error) {
          // One id that is gone fails the request for all of them.
          if (!hasCode(error, "InvalidInstanceID.NotFound")) throw error
          for (const id of some) {
            await terminate([id]).catch((error) => {
              if (!hasCode(error, "InvalidInstanceID.NotFound")) throw error
              unknown.push(id)
            })
          }
        }
      }
      return unknown
    },

    async freshConsole(id) {
      const outputOf = async (Latest: boolean) => {
        const command = new GetConsoleOutputCommand({ InstanceId: id, ...(Latest ? { Latest } : {}) })
        const reply = await send(`console output of ${id}`, command)
        return Buffer.from(reply.Output ?? "", "base64").toString("utf8")
      }
      try {
        return await outputOf(true)
      } catch (error) {
        if (!hasCode(error, "UnsupportedOperation", "InvalidParameterCombination")) throw error
        return outputOf(false)
      }
    },

    async attachVolume(volumeId, instanceId, device) {
      await ignoreCode("VolumeInUse", () =>
        send(
          `attach ${volumeId} to ${instanceId}`,
          new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: instanceId, Device: device }),
        ),
      )
    },

    async instanceTypes(names) {
      const action = "describe instance types"
      // A filter, since one name that EC2 does not know fails a request that names it.
      const wanted = [{ Name: "instance-type", Values: [...names] }]
      const all = await paginate(
        action,
        (NextToken) => send(action, new DescribeInstanceTypesCommand({ Filters: wanted, NextToken })),
        (page) => page.InstanceTypes,
      )
      return all.map((type) => ({
        name: required(action, type.InstanceType),
        memoryMib: type.MemoryInfo?.SizeInMiB ?? 0,
        architectures: type.ProcessorInfo?.SupportedArchitectures ?? [],
      }))
    },

    async snapshotState(snapshotId) {
      const action = `describe ${snapshotId}`
      try {
        const reply = await send(action, new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }))
        return reply.Snapshots?.[0]?.State ?? ""
      } catch (error) {
        if (hasCode(error, "InvalidSnapshot.NotFound")) return ""
        throw error
      }
    },
  }
}
