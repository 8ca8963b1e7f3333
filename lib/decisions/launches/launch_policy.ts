/** What a launch may name, since it is made with the account's rights: each rule answers with a reason or null. */
import type { Config, Limits } from "../../base/config.ts"
import type { Image, InstanceTypeFacts, SecurityGroup, Subnet } from "../../base/instance.ts"
import { isReservedTagKey, tagOf } from "../../base/instance.ts"
import { matchesGlob } from "../../base/login.ts"
import { didYouMean } from "../../base/nearest.ts"
import { plural, quoted } from "../../base/text.ts"
import { suseOperation } from "../pricing/costs.ts"
import { embeddedTypes } from "../pricing/embedded_prices.ts"

type Launch = Config["launch"]

/** Why not, or null. */
export type Objection = string | null

type LimitTables = Pick<Config, "limits" | "limitsOfUsers" | "limitsOfSections">

/**
 * The limits of a login by the config alone. `sections` are the roster's, in its order: the first one that has a table of its own
 * counts. A table of the login's own wins.
 */
export function configuredLimits(config: LimitTables, login: string, sections: readonly string[]): Limits {
  const section = sections.find((name) => Object.hasOwn(config.limitsOfSections, name))
  return {
    ...config.limits,
    ...(section !== undefined && config.limitsOfSections[section]),
    ...(Object.hasOwn(config.limitsOfUsers, login) && config.limitsOfUsers[login]),
  }
}

/** `m5.large`, `u-6tb1.112xlarge`. */
export function objectionToType(instanceType: string, limits: Limits): Objection {
  if (!/^[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}$/.test(instanceType)) {
    return `${quoted(instanceType)} is no instance type such as t3.micro`
  }
  if (matchesGlob(limits.instanceTypes, instanceType)) return null
  const refusal = `type ${instanceType} is not allowed, only ${limits.instanceTypes.join(", ") || "none"}`
  const existing = embeddedTypes()
  if (existing.includes(instanceType)) return refusal
  const allowed = existing.filter((type) => matchesGlob(limits.instanceTypes, type))
  return refusal + didYouMean(instanceType, allowed)
}

/** EC2 refuses it too, but only once it has room. `facts`: what it says of the type; undefined where it does not know it. */
export function objectionToArchitecture(
  instanceType: string,
  facts: InstanceTypeFacts | undefined,
  image: Image,
): Objection {
  if (facts === undefined) return `type ${instanceType} does not exist in this region`
  if (image.architecture === "" || facts.architectures.includes(image.architecture)) return null
  return `type ${instanceType} runs ${facts.architectures.join(" and ")}, image ${image.id} is ${image.architecture}`
}

/** An image's id in a parameter: AWS's own public ones, and those that the config lists. */
export function objectionToParameter(name: string, launch: Launch, limits: Limits): Objection {
  if (name.startsWith("/aws/service/")) return null
  if (name === launch.image || limits.images.includes(name)) return null
  if (matchesGlob(launch.ssmParameters, name)) return null
  return `image parameter ${quoted(name)} is neither under /aws/service/ nor listed in launch.ssm_parameters`
}

/** A code of AWS Marketplace may stand for a price by the hour that no list here has. */
export function objectionToImage(image: Image, { productCodes }: Pick<Launch, "productCodes">): Objection {
  if (image.state !== "available") return `image ${image.id} is ${image.state || "not available"}`
  const unlisted = image.productCodes.filter((code) => !productCodes.includes(code))
  if (unlisted.length > 0) {
    return `image ${image.id} has ${plural(unlisted.length, "product code")} (${unlisted.join(", ")}) and may cost extra; staff can list them in launch.product_codes`
  }
  return null
}

export interface BlockDevice {
  device: string
  gib: number
  type: "gp3"
  iops: null
  throughput: null
  snapshotId: string | null
}

/**
 * The whole mapping of the image as it is launched: every volume gp3, so that its size says what it costs. `rootGib` enlarges
 * the root volume. Answers with an objection where the volumes together exceed the config's bound.
 */
export function blockDevicesOf(
  image: Image,
  rootGib: number | null,
  maxGib: number,
): { blockDevices: BlockDevice[]; gib: number } | { objection: string } {
  const blockDevices: BlockDevice[] = []
  for (const { device, ebs } of image.blockDevices) {
    if (!ebs) continue
    const isRoot = device === image.rootDevice
    const least = Math.max(1, ebs.gib)
    if (isRoot && rootGib !== null && rootGib < least) {
      return { objection: `a root volume of ${rootGib} GiB is smaller than the image's ${least} GiB` }
    }
    const gib = isRoot && rootGib !== null ? rootGib : least
    blockDevices.push({
      device,
      gib,
      type: "gp3",
      iops: null,
      throughput: null,
      snapshotId: ebs.snapshotId || null,
    })
  }
  const gib = blockDevices.reduce((sum, device) => sum + device.gib, 0)
  if (gib > maxGib) return { objection: `its volumes have ${gib} GiB, at most ${maxGib} GiB are allowed` }
  return { blockDevices, gib }
}

/** What is reserved by the second must be sold by the second. */
export function objectionToBilling(image: Image, { granularity }: Config["billing"]): Objection {
  if (granularity === "hour" || image.usageOperation !== suseOperation) return null
  return `image ${image.id} is SUSE's, sold by the started hour: staff must set billing.granularity = "hour"`
}

/** Groups of the config's list, and the caller's own. */
export function objectionToGroup(group: SecurityGroup, login: string, launch: Launch): Objection {
  const owner = group.tags[tagOf.owner]
  if (owner === login) return null
  // somebody else's may be called like a listed one, in another VPC
  if (owner !== undefined) return `security group ${group.name} (${group.id}) is another user's`
  if (launch.securityGroups.includes(group.name) || launch.securityGroups.includes(group.id)) return null
  return `security group ${group.name} (${group.id}) is neither ${login}'s own nor listed in launch.security_groups`
}

/** The default subnets are where a launch goes that names none. */
export function objectionToSubnet(subnet: Subnet, login: string, launch: Launch): Objection {
  if (subnet.defaultForZone || subnet.tags[tagOf.owner] === login) return null
  if (subnet.id === launch.subnet || launch.subnets.includes(subnet.id)) return null
  return `subnet ${subnet.id} is neither ${login}'s own nor listed in launch.subnets`
}

/** EC2 shows no tags on placement groups to go by, so a student's own begin as their keys do. */
export function objectionToPlacementGroup(name: string, login: string, launch: Launch): Objection {
  if (launch.placementGroups.includes(name) || name === login || name.startsWith(`${login}-`)) return null
  return `placement group ${quoted(name)} is neither ${login}'s own (${login}-NAME) nor listed in launch.placement_groups`
}

/** By ours is known whose a thing is, and when it ends. */
export function objectionToTags(tags: Record<string, string>): Objection {
  const reserved = Object.keys(tags).find(isReservedTagKey)
  return reserved === undefined ? null : `${quoted(reserved)} is in a namespace that is not the caller's`
}

export function objectionToProfile(name: string, launch: Launch): Objection {
  if (launch.instanceProfiles.includes(name)) return null
  return `instance profile ${quoted(name)} is not listed in launch.instance_profiles`
}

export function objectionToZone(zone: string, region: string): Objection {
  // local and wavelength zones (us-east-1-bos-1a) have prices of their own, above the region's
  const isOurs = zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length))
  return isOurs ? null : `${quoted(zone)} is no availability zone of ${region}`
}

/** Types whose CPU credits can be bought without being asked: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html */
export function isBurstable(instanceType: string): boolean {
  return /^t[2-9]/.test(instanceType)
}
