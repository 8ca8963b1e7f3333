/** EC2 as a cluster's owner needs it: its own security groups, volumes and consoles. */
import {
  AttachVolumeCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DeleteVolumeCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  GetConsoleOutputCommand,
  type IpPermission,
  RevokeSecurityGroupIngressCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import type { ClusterEc2, IngressRule } from "./cluster_interfaces.ts"
import { type AwsSettings, outcomeOf } from "./connection.ts"
import { openEc2 } from "./ec2.ts"
import { asksForNothing, connectEc2, filters, pageSize } from "./ec2_connection.ts"
import { hasCode } from "./errors.ts"
import { listing, present } from "./pages.ts"
import { tagList, tagRecord } from "./tags.ts"

/** EC2 in the region of the settings, with what clusters need besides. */
export function openClusterEc2(settings: AwsSettings): ClusterEc2 {
  const { ask } = connectEc2(settings)

  return {
    ...openEc2(settings),

    async securityGroupsWithRules({ vpcId, names, tags }) {
      const action = "describe security groups"
      const wanted = { "group-name": names, "vpc-id": vpcId === undefined ? undefined : [vpcId] }
      if (asksForNothing(wanted)) return []
      const all = await listing(
        action,
        (NextToken) =>
          ask(
            action,
            new DescribeSecurityGroupsCommand({
              Filters: filters(wanted, tags),
              MaxResults: pageSize,
              NextToken,
            }),
          ),
        (page) => page.NextToken,
        (page) => page.SecurityGroups,
      )
      return all.map((group) => ({
        id: present(action, group.GroupId),
        name: group.GroupName ?? "",
        vpcId: group.VpcId ?? "",
        description: group.Description ?? "",
        tags: tagRecord(group.Tags),
        ingress: (group.IpPermissions ?? []).flatMap(toRules),
      }))
    },

    async createSecurityGroup({ name, description, vpcId, tags }) {
      const action = `create security group ${name}`
      const reply = await ask(
        action,
        new CreateSecurityGroupCommand({
          GroupName: name,
          Description: description,
          VpcId: vpcId,
          TagSpecifications: [{ ResourceType: "security-group", Tags: tagList(tags) }],
        }),
      )
      return { ...outcomeOf(reply), id: present(action, reply.GroupId) }
    },

    async allowIngress(groupId, rules) {
      // One at a time: of several, one that is there already would fail them all.
      for (const rule of rules) {
        await unless("InvalidPermission.Duplicate", () =>
          ask(
            `open security group ${groupId}`,
            new AuthorizeSecurityGroupIngressCommand({
              GroupId: groupId,
              IpPermissions: [toPermission(rule)],
            }),
          ),
        )
      }
    },

    async revokeIngress(groupId, rules) {
      for (const rule of rules) {
        await unless("InvalidPermission.NotFound", () =>
          ask(
            `close security group ${groupId}`,
            new RevokeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: [toPermission(rule)] }),
          ),
        )
      }
    },

    async deleteSecurityGroup(id) {
      await unless("InvalidGroup.NotFound", () =>
        ask(`delete security group ${id}`, new DeleteSecurityGroupCommand({ GroupId: id })),
      )
    },

    async terminateAll(ids) {
      for (let start = 0; start < ids.length; start += pageSize) {
        const some = ids.slice(start, start + pageSize)
        const terminate = (InstanceIds: string[]) =>
          ask(`terminate ${InstanceIds.join(", ")}`, new TerminateInstancesCommand({ InstanceIds }))
        try {
          await terminate(some)
        } catch (error) {
          // One id that is gone fails the request for all of them.
          if (!hasCode(error, "InvalidInstanceID.NotFound")) throw error
          for (const id of some) await unless("InvalidInstanceID.NotFound", () => terminate([id]))
        }
      }
    },

    async freshConsole(id) {
      const outputOf = async (Latest: boolean) => {
        const command = new GetConsoleOutputCommand({ InstanceId: id, ...(Latest ? { Latest } : {}) })
        const reply = await ask(`console output of ${id}`, command)
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
      await unless("VolumeInUse", () =>
        ask(
          `attach ${volumeId} to ${instanceId}`,
          new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: instanceId, Device: device }),
        ),
      )
    },

    async deleteVolume(volumeId) {
      await unless("InvalidVolume.NotFound", () =>
        ask(`delete ${volumeId}`, new DeleteVolumeCommand({ VolumeId: volumeId })),
      )
    },

    async snapshotCompleted(snapshotId) {
      const action = `describe ${snapshotId}`
      const reply = await ask(action, new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }))
      return present(action, reply.Snapshots?.[0]).State === "completed"
    },
  }
}

/** Goes on where AWS says that it is so already. */
async function unless(code: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!hasCode(error, code)) throw error
  }
}

function toPermission(rule: IngressRule): IpPermission {
  const description = rule.description === "" ? {} : { Description: rule.description }
  return {
    IpProtocol: rule.protocol,
    ...(rule.protocol === "-1" ? {} : { FromPort: rule.fromPort, ToPort: rule.toPort }),
    ...(rule.cidr === null ? {} : { IpRanges: [{ CidrIp: rule.cidr, ...description }] }),
    ...(rule.groupId === null ? {} : { UserIdGroupPairs: [{ GroupId: rule.groupId, ...description }] }),
  }
}

function toRules(permission: IpPermission): IngressRule[] {
  const common = {
    protocol: permission.IpProtocol === "-1" ? ("-1" as const) : ("tcp" as const),
    fromPort: permission.FromPort ?? 0,
    toPort: permission.ToPort ?? 65_535,
  }
  return [
    ...(permission.IpRanges ?? []).map(({ CidrIp, Description }) => ({
      ...common,
      cidr: CidrIp ?? "",
      groupId: null,
      description: Description ?? "",
    })),
    ...(permission.UserIdGroupPairs ?? []).map(({ GroupId, Description }) => ({
      ...common,
      cidr: null,
      groupId: GroupId ?? "",
      description: Description ?? "",
    })),
  ]
}
