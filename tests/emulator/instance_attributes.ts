/** What single instances are asked and told: attributes, CPU credits, the console. */
import { vcpusOf } from "./capacity.ts"
import { dryRun, recordsOf, requireState, visibleIn } from "./instances.ts"
import { type AwsRequest, ec2Reply, type Reply } from "./request.ts"
import type { World } from "./world.ts"
import { itemsOf } from "./xml.ts"

/** The attributes that moto takes in one form only, or forgets. */
export async function modifyInstanceAttribute(world: World, request: AwsRequest): Promise<Reply | undefined> {
  const [record] = recordsOf(world, {
    ...request,
    form: request.form.with({ "InstanceId.1": request.form.get("InstanceId") ?? "" }),
  })
  if (!record) return undefined
  const value = (name: string) => {
    const short = name.charAt(0).toLowerCase() + name.slice(1)
    return (
      request.form.get(`${name}.Value`) ??
      (request.form.get("Attribute") === short ? request.form.get("Value") : undefined)
    )
  }
  for (const name of ["InstanceType", "UserData", "Kernel", "Ramdisk"]) {
    if (value(name) !== undefined) requireState(record, ["stopped"], "modified")
  }
  dryRun(request)
  record.stale = true
  const behavior = value("InstanceInitiatedShutdownBehavior")
  if (behavior !== undefined) record.shutdownBehavior = behavior
  const noTermination = value("DisableApiTermination")
  if (noTermination !== undefined) record.disableApiTermination = noTermination === "true"
  const noStop = value("DisableApiStop")
  if (noStop !== undefined) record.disableApiStop = noStop === "true"
  const type = value("InstanceType")
  if (type !== undefined) {
    record.type = type
    record.vcpus = await vcpusOf(world, request.region, type)
  }
  return behavior === undefined && noTermination === undefined && noStop === undefined
    ? undefined
    : ec2Reply("ModifyInstanceAttribute", { return: true })
}

export async function describeInstanceAttribute(
  world: World,
  request: AwsRequest,
): Promise<Reply | undefined> {
  const record = world.instances.get(request.form.get("InstanceId") ?? "")
  const attribute = request.form.get("Attribute") ?? ""
  const kept: Record<string, string | boolean | undefined> = {
    instanceInitiatedShutdownBehavior: record?.shutdownBehavior,
    disableApiTermination: record?.disableApiTermination,
    disableApiStop: record?.disableApiStop,
  }
  const value = kept[attribute]
  if (!record || value === undefined) return undefined
  return ec2Reply("DescribeInstanceAttribute", { instanceId: record.id, [attribute]: { value } })
}

export async function describeInstanceCreditSpecifications(
  world: World,
  request: AwsRequest,
): Promise<Reply> {
  const records =
    request.form.list("InstanceId").length > 0 ? recordsOf(world, request) : visibleIn(world, request.region)
  return ec2Reply("DescribeInstanceCreditSpecifications", {
    instanceCreditSpecificationSet: itemsOf(
      records
        .filter(({ cpuCredits }) => cpuCredits !== "")
        .map(({ id, cpuCredits }) => ({ instanceId: id, cpuCredits })),
    ),
  })
}

export async function getConsoleOutput(world: World, request: AwsRequest): Promise<Reply> {
  const id = request.form.get("InstanceId") ?? ""
  const [record] = recordsOf(world, { ...request, form: request.form.with({ "InstanceId.1": id }) })
  const booted = record?.state !== "pending"
  const text = booted
    ? (world.consoleOutputs.get(id) ?? `[    0.000000] Linux version 6.1 (${id})\n${id} login: `)
    : ""
  return ec2Reply("GetConsoleOutput", {
    instanceId: id,
    timestamp: new Date(world.clock.now()).toISOString(),
    output: Buffer.from(text).toString("base64"),
  })
}
