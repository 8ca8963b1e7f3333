/** Looking up security groups. */
import { DescribeSecurityGroupsCommand, type SecurityGroup as SdkSecurityGroup } from "@aws-sdk/client-ec2"
import type { SecurityGroup } from "../../base/instance.ts"
import type { Ec2 } from "../interfaces.ts"
import { paginate, required } from "../protocol/pages.ts"
import { isAskedFor } from "./answers.ts"
import { asksForNothing, type Ec2Connection, filters, pageSize } from "./connection.ts"
import { tagRecord } from "./tags.ts"

const describing = "describe security groups"

export function securityGroupCalls(connection: Ec2Connection): Pick<Ec2, "securityGroups"> {
  return {
    securityGroups: async (filter = {}) =>
      (await describeSecurityGroups(connection, filter)).map(toSecurityGroup),
  }
}

type GroupFilter = NonNullable<Parameters<Ec2["securityGroups"]>[0]> & { tagKeys?: string[] }

/** All that match, as AWS writes them: with their rules. */
export async function describeSecurityGroups(
  { send }: Ec2Connection,
  { ids, names, vpcId, tags, tagKeys }: GroupFilter,
): Promise<SdkSecurityGroup[]> {
  const wanted = {
    "group-id": ids,
    "group-name": names,
    "vpc-id": vpcId === undefined ? undefined : [vpcId],
    "tag-key": tagKeys,
  }
  if (asksForNothing(wanted)) return []
  const all = await paginate(
    describing,
    (NextToken) =>
      send(
        describing,
        new DescribeSecurityGroupsCommand({
          Filters: filters(wanted, tags),
          MaxResults: pageSize,
          NextToken,
        }),
      ),
    (page) => page.SecurityGroups,
  )
  return all.filter(({ GroupId = "", GroupName = "", VpcId = "", Tags }) =>
    isAskedFor(
      [
        [ids, GroupId],
        [names, GroupName],
        [vpcId === undefined ? undefined : [vpcId], VpcId],
      ],
      tags,
      tagRecord(Tags),
    ),
  )
}

export function toSecurityGroup(group: SdkSecurityGroup): SecurityGroup {
  return {
    id: required(describing, group.GroupId),
    name: group.GroupName ?? "",
    vpcId: group.VpcId ?? "",
    description: group.Description ?? "",
    tags: tagRecord(group.Tags),
  }
}
