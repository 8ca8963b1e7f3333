/** Where a launch goes: subnet, zone and security groups, validated as EC2 does. */
import { AwsFault, type Form } from "./request.ts"
import type { World } from "./world.ts"
import { findAll, textAt } from "./xml.ts"

/** Groups by id, of the subnet's VPC; the subnet's zone. Names are for the default VPC only. */
export async function resolveNetwork(
  world: World,
  region: string,
  form: Form,
): Promise<{ form: Form; zone: string }> {
  const names = form.list("SecurityGroup")
  const ids = form.list("SecurityGroupId")
  const subnetId = form.get("SubnetId")
  if (names.length > 0 && subnetId !== undefined) {
    throw new AwsFault(
      "InvalidParameterCombination",
      "The parameter groupName cannot be used with the parameter subnet",
    )
  }
  if (
    form.members("NetworkInterface").length > 0 &&
    (names.length > 0 || ids.length > 0 || subnetId !== undefined)
  ) {
    throw new AwsFault(
      "InvalidParameterCombination",
      "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request",
    )
  }
  const subnets = await world.moto.queryKept(region, "DescribeSubnets")
  const all = findAll(subnets, "subnetSet/item")
  const wantedZone = form.get("Placement.AvailabilityZone")
  const interfaceSubnet = form.get("NetworkInterface.1.SubnetId") ?? subnetId
  const subnet =
    interfaceSubnet === undefined
      ? all.find(
          (item) =>
            textAt(item, "defaultForAz") === "true" &&
            (wantedZone === undefined || textAt(item, "availabilityZone") === wantedZone),
        )
      : all.find((item) => textAt(item, "subnetId") === interfaceSubnet)
  if (!subnet && interfaceSubnet !== undefined) {
    throw new AwsFault("InvalidSubnetID.NotFound", `The subnet ID '${interfaceSubnet}' does not exist`)
  }
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
  if (!subnet && wantedZone === undefined)
    throw new AwsFault("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
  if (!subnet) throw new AwsFault("InvalidParameterValue", `Invalid availability zone: [${wantedZone}]`)
  const zone = textAt(subnet, "availabilityZone")
  if (wantedZone !== undefined && wantedZone !== zone) {
    throw new AwsFault(
      "InvalidParameterValue",
      `The availability zone '${wantedZone}' does not match the subnet's, '${zone}'`,
    )
  }
  if (form.members("NetworkInterface").length > 0) return { form, zone }
  const groups = await groupIds(world, region, textAt(subnet, "vpcId"), names, ids)
  const fields = Object.fromEntries(groups.map((id, index) => [`SecurityGroupId.${index + 1}`, id]))
  return {
    form: form
      .without("SecurityGroup", "SecurityGroupId")
      .with({ ...fields, SubnetId: textAt(subnet, "subnetId") }),
    zone,
  }
}

async function groupIds(
  world: World,
  region: string,
  vpcId: string,
  names: string[],
  ids: string[],
): Promise<string[]> {
  const document = await world.moto.queryKept(region, "DescribeSecurityGroups")
  const groups = findAll(document, "securityGroupInfo/item")
  const wanted = names.length + ids.length === 0 ? ["default"] : names
  const named = wanted.map((name) => {
    const group = groups.find((item) => textAt(item, "groupName") === name && textAt(item, "vpcId") === vpcId)
    if (!group) {
      throw new AwsFault(
        "InvalidGroup.NotFound",
        `The security group '${name}' does not exist in VPC '${vpcId}'`,
      )
    }
    return textAt(group, "groupId")
  })
  for (const id of ids) {
    const group = groups.find((item) => textAt(item, "groupId") === id)
    if (!group) throw new AwsFault("InvalidGroup.NotFound", `The security group '${id}' does not exist`)
    if (textAt(group, "vpcId") !== vpcId) {
      throw new AwsFault(
        "InvalidParameter",
        `Security group ${id} and the subnet belong to different networks.`,
      )
    }
  }
  return [...new Set([...named, ...ids])]
}
