/** What the account and its zones have room for: vCPU quotas, and capacity where a test limits it. */
import { visibleIn } from "./instances.ts"
import { AwsFault } from "./request.ts"
import type { World } from "./world.ts"
import { textAt } from "./xml.ts"

/** What is asked for: its quota is one for the family of its type, and one for Spot. */
export interface VcpuDemand {
  type: string
  /** Of one instance. */
  vcpus: number
  spot: boolean
}

const isGpu = (type: string) => /^(g|vt)\d/.test(type)

function quotaOf({ knobs }: World, { type, spot }: VcpuDemand): number {
  if (spot) return knobs.spotVcpus
  return isGpu(type) ? knobs.gpuVcpus : knobs.vcpus
}

/** Throws where the account's vCPU quota is passed by `count` instances. */
export function checkVcpus(world: World, region: string, demand: VcpuDemand, count: number): void {
  const limit = quotaOf(world, demand)
  if (vcpusInUse(world, region, demand) + count * demand.vcpus <= limit) return
  if (demand.spot) throw new AwsFault("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
  throw new AwsFault(
    "VcpuLimitExceeded",
    `You have requested more vCPU capacity than your current vCPU limit of ${limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`,
  )
}

/** How many of those asked for the quota allows, at least the minimum. */
export function affordable(
  world: World,
  region: string,
  demand: VcpuDemand,
  asked: { min: number; max: number },
): number {
  const room = Math.floor((quotaOf(world, demand) - vcpusInUse(world, region, demand)) / demand.vcpus)
  return Math.max(asked.min, Math.min(asked.max, room))
}

function vcpusInUse(world: World, region: string, { type, spot }: VcpuDemand): number {
  return visibleIn(world, region)
    .filter(
      (record) =>
        (record.state === "pending" || record.state === "running") &&
        (record.spotRequestId !== "") === spot &&
        (spot || isGpu(record.type) === isGpu(type)),
    )
    .reduce((sum, { vcpus }) => sum + vcpus, 0)
}

/** As many as there is capacity for, at least `min`, at most `max`. */
export function takeCapacity(world: World, type: string, zone: string, min: number, max: number): number {
  const key = `${type}@${zone}`
  const left = world.capacity.get(key) ?? world.capacity.get(type)
  if (left === undefined) return max
  if (left < min) {
    throw new AwsFault(
      "InsufficientInstanceCapacity",
      `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}).`,
      500,
    )
  }
  const taken = Math.min(left, max)
  world.capacity.set(world.capacity.has(key) ? key : type, left - taken)
  return taken
}

const vcpusByType = new Map<string, number>()

export async function vcpusOf(world: World, region: string, type: string): Promise<number> {
  const known = vcpusByType.get(type)
  if (known !== undefined) return known
  const document = await world.moto.query("ec2", region, "DescribeInstanceTypes", { "InstanceType.1": type })
  const vcpus = Number(textAt(document, "instanceTypeSet/item/vCpuInfo/defaultVCpus") || 1)
  vcpusByType.set(type, vcpus)
  return vcpus
}
