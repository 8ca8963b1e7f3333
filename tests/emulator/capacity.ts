/** What the account and its zones have room for: vCPU quotas, and capacity where a test limits it. */
import { visibleIn } from "./instances.ts"
import { AwsFault } from "./request.ts"
import type { World } from "./world.ts"
import { textAt } from "./xml.ts"

/** Throws where the account's vCPU quota is passed: standard on-demand and spot instances have one each. */
export function checkVcpus(world: World, region: string, wanted: number, spot: boolean): void {
  const limit = spot ? world.knobs.spotVcpus : world.knobs.vcpus
  if (vcpusInUse(world, region, spot) + wanted <= limit) return
  if (spot) throw new AwsFault("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
  throw new AwsFault(
    "VcpuLimitExceeded",
    `You have requested more vCPU capacity than your current vCPU limit of ${limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`,
  )
}

/** How many of those asked for the quota allows, at least the minimum. */
export function affordable(
  world: World,
  region: string,
  vcpus: number,
  asked: { min: number; max: number },
  spot: boolean,
): number {
  const limit = spot ? world.knobs.spotVcpus : world.knobs.vcpus
  const room = Math.floor((limit - vcpusInUse(world, region, spot)) / vcpus)
  return Math.max(asked.min, Math.min(asked.max, room))
}

function vcpusInUse(world: World, region: string, spot: boolean): number {
  return visibleIn(world, region)
    .filter(
      ({ state, spotRequestId }) =>
        (state === "pending" || state === "running") && (spotRequestId !== "") === spot,
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
