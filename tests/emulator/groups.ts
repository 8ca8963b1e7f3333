/** Deleting security groups: refused while an instance or another group's rule uses them. */
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

const emptyGroup = { name: "item", text: "", children: [] }
