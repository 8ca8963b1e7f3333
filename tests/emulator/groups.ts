/** Security groups: only so many are made, and none is deleted that an instance or another group's rule uses. */
import { visibleIn } from "./instances.ts"
import { AwsFault, type AwsRequest } from "./request.ts"
import type { World } from "./world.ts"
import { findAll, textAt } from "./xml.ts"

/** Throws DependencyViolation for a group in use; otherwise moto deletes it. */
export async function checkGroupUnused(world: World, request: AwsRequest): Promise<undefined> {
  const document = await world.moto.query("ec2", request.region, "DescribeSecurityGroups")
  const groups = findAll(document, "securityGroupInfo/item")
  const name = request.form.get("GroupName")
  const id =
    request.form.get("GroupId") ??
    textAt(groups.find((group) => textAt(group, "groupName") === name) ?? emptyGroup, "groupId")
  const ofInstances = visibleIn(world, request.region)
    .filter(({ state }) => state !== "terminated")
    .flatMap(({ item }) => [
      ...findAll(item, "groupSet/item/groupId"),
      ...findAll(item, "networkInterfaceSet/item/groupSet/item/groupId"),
    ])
  const ofRules = groups
    .filter((group) => textAt(group, "groupId") !== id)
    .flatMap((group) => [
      ...findAll(group, "ipPermissions/item/groups/item/groupId"),
      ...findAll(group, "ipPermissionsEgress/item/groups/item/groupId"),
    ])
  if ([...ofInstances, ...ofRules].some(({ text }) => text === id)) {
    throw new AwsFault("DependencyViolation", `resource ${id} has a dependent object`)
  }
}

/** Throws SecurityGroupLimitExceeded at the quota; otherwise moto makes it. */
export async function checkGroupRoom(world: World, request: AwsRequest): Promise<undefined> {
  const document = await world.moto.query("ec2", request.region, "DescribeSecurityGroups")
  if (findAll(document, "securityGroupInfo/item").length < world.knobs.securityGroups) return
  throw new AwsFault(
    "SecurityGroupLimitExceeded",
    "You have reached the limit on the number of security groups that you can create for this VPC.",
  )
}

const emptyGroup = { name: "item", text: "", children: [] }
