/** What happens to instances without anybody's call: spot interruptions, a shutdown from inside, a host that fails. */
import { type Cause, causes, type InstanceRecord, stop, terminate } from "./instance_record.ts"
import type { World } from "./world.ts"

/** EC2 takes a spot instance back. */
export async function interrupt(world: World, id: string): Promise<void> {
  const record = known(world, id)
  if (record.spotRequestId === "") throw new Error(`${id} is no spot instance`)
  await end(world, record, "TerminateInstances", causes.spot)
}

/** `shutdown -h now` on the instance: it stops or terminates, as its shutdown behaviour says; no API event tells of it. */
export async function shutDownFromInside(world: World, id: string): Promise<void> {
  const record = known(world, id)
  const action = record.shutdownBehavior === "terminate" ? "TerminateInstances" : "StopInstances"
  await end(world, record, action, causes.inside)
}

/** The host fails; EC2 says no more than an internal error. */
export async function failHost(world: World, id: string): Promise<void> {
  await end(world, known(world, id), "TerminateInstances", causes.failure)
}

function known(world: World, id: string): InstanceRecord {
  const record = world.instances.get(id)
  if (!record) throw new Error(`${id} does not exist`)
  return record
}

async function end(world: World, record: InstanceRecord, action: string, cause: Cause): Promise<void> {
  // Protection is against calls only.
  await world.moto.query("ec2", record.region, "ModifyInstanceAttribute", {
    InstanceId: record.id,
    "DisableApiTermination.Value": "false",
  })
  await world.moto.query("ec2", record.region, action, { "InstanceId.1": record.id })
  if (action === "StopInstances") stop(world, record, cause)
  else terminate(world, record, cause)
}
