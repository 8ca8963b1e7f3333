/** Security groups made, opened, closed and removed: a cluster's with its owner's credentials, a student's own with the account's. */
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  type IpPermission,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2"
import type { IngressRule } from "../../base/instance.ts"
import type { Ec2 } from "../interfaces.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { ignoreCode } from "../protocol/errors.ts"
import { required } from "../protocol/pages.ts"
import type { Ec2Connection } from "./connection.ts"
import { describeSecurityGroups, toSecurityGroup } from "./security_groups.ts"
import { tagList } from "./tags.ts"

type GroupCalls = Pick<
  Ec2,
  "securityGroupsWithRules" | "createSecurityGroup" | "allowIngress" | "revokeIngress" | "deleteSecurityGroup"
>

/** The calls over one connection. */
export function groupChangeCalls(connection: Ec2Connection): GroupCalls {
  const { send } = connection
  return {
    async securityGroupsWithRules(filter) {
      const all = await describeSecurityGroups(connection, filter)
      return all.map((group) => ({
        ...toSecurityGroup(group),
        ingress: (group.IpPermissions ?? []).flatMap(toRules),
      }))
    },

    async createSecurityGroup({ name, description, vpcId, tags }) {
      const action = `create security group ${name}`
      const reply = await send(
        action,
        new CreateSecurityGroupCommand({
          GroupName: name,
          Description: description,
          VpcId: vpcId,
          TagSpecifications: [{ ResourceType: "security-group", Tags: tagList(tags) }],
        }),
      )
      return { ...outcomeOf(reply), id: required(action, reply.GroupId) }
    },

    async allowIngress(groupId, rules) {
      // One at a time: of several, one that is there already would fail them all.
      for (const rule of rules) {
        await ignoreCode("InvalidPermission.Duplicate", () =>
          send(
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
        await ignoreCode("InvalidPermission.NotFound", () =>
          send(
            `close security group ${groupId}`,
            new RevokeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: [toPermission(rule)] }),
          ),
        )
      }
    },

    async deleteSecurityGroup(id) {
      await ignoreCode("InvalidGroup.NotFound", () =>
        send(`delete security group ${id}`, new DeleteSecurityGroupCommand({ GroupId: id })),
      )
    },
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
