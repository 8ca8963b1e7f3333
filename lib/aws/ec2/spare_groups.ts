/** Security groups that students made, as enforcement removes those that nobody uses. */
import {
  DeleteSecurityGroupCommand,
  DescribeNetworkInterfacesCommand,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup as SdkSecurityGroup,
} from "@aws-sdk/client-ec2"
import { tagOf } from "../../base/instance.ts"
import { ignoreCode } from "../protocol/errors.ts"
import { paginate } from "../protocol/pages.ts"
import { type Ec2Connection, filterSize, filters, pageSize } from "./connection.ts"
import type { SpareGroups } from "./group_interfaces.ts"
import { describeSecurityGroups, toSecurityGroup } from "./security_groups.ts"

export function spareGroupCalls(connection: Ec2Connection): SpareGroups {
  const { send } = connection
  return {
    async ownedGroups() {
      const groups = await describeSecurityGroups(connection, { tagKeys: [tagOf.owner] })
      return groups.map((group) => ({ ...toSecurityGroup(group), refersTo: referencesOf(group) }))
    },

    async groupsInUse(ids) {
      const action = "describe network interfaces"
      const used = new Set<string>()
      for (let start = 0; start < ids.length; start += filterSize) {
        const Filters = filters({ "group-id": ids.slice(start, start + filterSize) })
        const interfaces = await paginate(
          action,
          (NextToken) =>
            send(action, new DescribeNetworkInterfacesCommand({ Filters, MaxResults: pageSize, NextToken })),
          (page) => page.NetworkInterfaces,
        )
        for (const { Groups = [] } of interfaces) for (const { GroupId = "" } of Groups) used.add(GroupId)
      }
      return used
    },

    async revokeReferences(id, to) {
      const action = `close security group ${id}`
      const [group] = await describeSecurityGroups(connection, { ids: [id] })
      const ingress = aboutGroup(group?.IpPermissions, to)
      const egress = aboutGroup(group?.IpPermissionsEgress, to)
      const revoke = (command: Promise<unknown>) => ignoreCode("InvalidPermission.NotFound", () => command)
      if (ingress.length > 0)
        await revoke(
          send(action, new RevokeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: ingress })),
        )
      if (egress.length > 0)
        await revoke(
          send(action, new RevokeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: egress })),
        )
    },

    async deleteSpareGroup(id) {
      await ignoreCode("InvalidGroup.NotFound", () =>
        send(`delete security group ${id}`, new DeleteSecurityGroupCommand({ GroupId: id })),
      )
    },
  }
}

/** The other groups that a group's rules name: none of these can be deleted as long as they do. */
function referencesOf({ GroupId, IpPermissions = [], IpPermissionsEgress = [] }: SdkSecurityGroup): string[] {
  const named = [...IpPermissions, ...IpPermissionsEgress].flatMap(({ UserIdGroupPairs = [] }) =>
    UserIdGroupPairs.map((pair) => pair.GroupId ?? ""),
  )
  return [...new Set(named)].filter((id) => id !== "" && id !== GroupId)
}

/** The rules about one group, as they are revoked. */
function aboutGroup(permissions: IpPermission[] = [], to: string): IpPermission[] {
  return permissions.flatMap(({ IpProtocol, FromPort, ToPort, UserIdGroupPairs = [] }) =>
    UserIdGroupPairs.some(({ GroupId }) => GroupId === to)
      ? [
          {
            IpProtocol,
            ...(FromPort === undefined ? {} : { FromPort }),
            ...(ToPort === undefined ? {} : { ToPort }),
            UserIdGroupPairs: [{ GroupId: to }],
          },
        ]
      : [],
  )
}
