/** Security groups: as launches look at them, and as a cluster's owner makes, opens and removes them. */
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  type IpPermission,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup as SdkSecurityGroup,
} from "@aws-sdk/client-ec2"
import type { SecurityGroup } from "../base/instance.ts"
import type { ClusterEc2, IngressRule } from "./cluster_interfaces.ts"
import { outcomeOf } from "./connection.ts"
import { asksForNothing, type Ec2Connection, filters, pageSize } from "./ec2_connection.ts"
import { unless } from "./errors.ts"
import type { Ec2 } from "./interfaces.ts"
import { listed, present } from "./pages.ts"
import { tagList, tagRecord } from "./tags.ts"

const describing = "describe security groups"

export function securityGroupCalls(connection: Ec2Connection): Pick<Ec2, "securityGroups"> {
  return {
    securityGroups: async (filter = {}) => (await describe(connection, filter)).map(toGroup),
  }
}

type ClusterCalls = Pick<
  ClusterEc2,
  "securityGroupsWithRules" | "createSecurityGroup" | "allowIngress" | "revokeIngress" | "deleteSecurityGroup"
>

export function clusterGroupCalls(connection: Ec2Connection): ClusterCalls {
  const { ask } = connection
  return {
    async securityGroupsWithRules(filter) {
      const all = await describe(connection, filter)
      return all.map((group) => ({
        ...toGroup(group),
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
  }
}

type GroupFilter = NonNullable<Parameters<Ec2["securityGroups"]>[0]>

async function describe(
  { ask }: Ec2Connection,
  { ids, names, vpcId, tags }: GroupFilter,
): Promise<SdkSecurityGroup[]> {
  const wanted = { "group-id": ids, "group-name": names, "vpc-id": vpcId === undefined ? undefined : [vpcId] }
  if (asksForNothing(wanted)) return []
  return listed(
    describing,
    (NextToken) =>
      ask(
        describing,
        new DescribeSecurityGroupsCommand({
          Filters: filters(wanted, tags),
          MaxResults: pageSize,
          NextToken,
        }),
      ),
    (page) => page.SecurityGroups,
  )
}

function toGroup(group: SdkSecurityGroup): SecurityGroup {
  return {
    id: present(describing, group.GroupId),
    name: group.GroupName ?? "",
    vpcId: group.VpcId ?? "",
    description: group.Description ?? "",
    tags: tagRecord(group.Tags),
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
