/** What a launch stands in: its image, subnet and security groups, asked of AWS once and kept in the database. */

import type { Config } from "../../base/config.ts"
import { Refused, UsageError } from "../../base/errors.ts"
import type { Image, SecurityGroup, Subnet } from "../../base/instance.ts"
import { quoted } from "../../base/text.ts"
import { later, msPerDay } from "../../base/time.ts"
import type { LookupKind } from "../../db/launches/lookups.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import {
  type Objection,
  objectionToGroup,
  objectionToImage,
  objectionToParameter,
  objectionToSubnet,
  objectionToZone,
} from "../../decisions/launches/launch_policy.ts"
import type { LaunchDeps } from "./deps.ts"
import { limitsOf } from "./limits.ts"
import { ownSshGroup } from "./ssh_group.ts"

/** Public parameters move with every release of an image; the rest changes only by being deleted, which AWS then says. */
const keptMs: Record<Exclude<LookupKind, "type" | "quota">, number> = {
  parameter: msPerDay,
  image: 30 * msPerDay,
  subnet: 30 * msPerDay,
  group: 30 * msPerDay,
  address: msPerDay,
}

/** AWS's codes for a thing that is not there any more, or not where it was. */
export const missingCodes =
  /^(InvalidAMIID|InvalidSubnetID|InvalidSubnet|InvalidGroup|InvalidGroupId|InvalidSnapshot)\b|^InvalidParameter(Value|Combination)?$/

/** What a launch that asks for this image, or for none, names: an image's id or a parameter's name. */
export function imageNameOf({ launch }: Pick<Config, "launch">, asked: string): string {
  const name = (asked || launch.image).replace(/^resolve:ssm:/, "")
  if (name === "") throw new UsageError("image", "none is given, and launch.image names none (-a ami-... )")
  return name
}

export async function resolveImage(deps: LaunchDeps, name: string): Promise<Image> {
  const id = await imageId(deps, name)
  const image = await remembered(deps, "image", id, async () => (await deps.aws.ec2()).image(id))
  if (!image) throw new Refused("image", `${id} does not exist, or is not ours to see`)
  await requireListed(deps, id, name)
  refuse("image", objectionToImage(image, deps.config.launch))
  return image
}

/**
 * Throws Refused unless an image is one of those that limits list, if they list any: by its id, by the name that it was asked by, or
 * by one that leads to it now.
 */
export async function requireListed(deps: LaunchDeps, id: string, name: string): Promise<void> {
  const { images } = limitsOf(deps, deps.caller.login)
  if (images.length === 0 || images.includes(name) || images.includes(id)) return
  for (const listed of images) {
    if (listed.startsWith("/") && (await imageId(deps, listed)) === id) return
  }
  throw new Refused("image", `image ${name} is not allowed, only ${images.join(", ")}`)
}

async function imageId(deps: LaunchDeps, name: string): Promise<string> {
  if (/^ami-[0-9a-f]{1,32}$/.test(name)) return name
  if (!/^\/[A-Za-z0-9_./-]{1,250}$/.test(name)) {
    throw new UsageError(
      "image",
      `${quoted(name)} is neither an image id (ami-...) nor a parameter's name (/aws/service/...)`,
    )
  }
  refuse("image", objectionToParameter(name, deps.config.launch, limitsOf(deps, deps.caller.login)))
  const value = await remembered(deps, "parameter", name, async () => (await deps.aws.ssm()).parameter(name))
  if (value && /^ami-[0-9a-f]{1,32}$/.test(value)) return value
  throw new Refused(
    "image",
    value ? `parameter ${name} holds no image id` : `parameter ${name} does not exist`,
  )
}

export interface Network {
  /** Null: EC2 chooses one of the default ones. */
  subnetId: string | null
  securityGroupIds: string[]
  /** Whether instances there get a public IPv4 address; true where EC2 chooses. */
  publicAddress: boolean
  /** Worth saying to the caller. */
  notes: string[]
}

export async function resolveNetwork(deps: LaunchDeps, order: LaunchOrder): Promise<Network> {
  const { config, caller } = deps
  const wanted = order.subnet ?? config.launch.subnet
  const subnet = wanted === "" ? null : await subnetById(deps, wanted)
  if (subnet) {
    refuse("subnet", objectionToSubnet(subnet, caller.login, config.launch))
    refuse(`zone of ${subnet.id}`, objectionToZone(subnet.zone, config.aws.region))
  }
  const vpcId = subnet?.vpcId ?? (await defaultVpc(deps))
  const isNamed = order.securityGroups.length > 0
  const names = isNamed ? order.securityGroups : config.launch.furtherGroups
  const groups: SecurityGroup[] = []
  for (const name of names) groups.push(await groupNamed(deps, name, vpcId))
  for (const group of groups) refuse("security group", objectionToGroup(group, caller.login, config.launch))
  // A dry run makes nothing.
  const own = isNamed || order.dryRun ? null : await ownSshGroup(deps, vpcId)
  return {
    subnetId: subnet?.id ?? null,
    securityGroupIds: [...new Set([...(own ? [own.id] : []), ...groups.map(({ id }) => id)])],
    publicAddress: subnet?.mapPublicIp ?? true,
    notes: own?.openTo.length === 0 ? [nobodyComesIn] : [],
  }
}

const nobodyComesIn =
  "no ssh to it: this host does not know its public address, and launch.ssh_from names no network; ask your course's staff"

async function subnetById(deps: LaunchDeps, id: string): Promise<Subnet> {
  if (!/^subnet-[0-9a-f]{1,32}$/.test(id)) throw new UsageError("subnet", `${quoted(id)} is no subnet id`)
  const found = await remembered(deps, "subnet", id, async () => {
    const [subnet] = await (await deps.aws.ec2()).subnets({ ids: [id] })
    return subnet ?? null
  })
  if (!found) throw new Refused("subnet", `${id} does not exist`)
  return found
}

async function defaultVpc(deps: LaunchDeps): Promise<string> {
  const vpcId = await remembered(deps, "subnet", "default", async () => {
    const [subnet] = await (await deps.aws.ec2()).subnets({ defaultOnly: true })
    return subnet?.vpcId ?? null
  })
  if (!vpcId) {
    throw new Refused(
      "subnet",
      `${deps.config.aws.region} has no default VPC: name a subnet in launch.subnet`,
    )
  }
  return vpcId
}

/** The zones of the region in which a launch without a subnet may be placed. */
export async function defaultZones(deps: LaunchDeps): Promise<string[]> {
  const zones = await remembered(deps, "subnet", "default zones", async () => {
    const subnets = await (await deps.aws.ec2()).subnets({ defaultOnly: true })
    const { region } = deps.config.aws
    const ours = subnets.map(({ zone }) => zone).filter((zone) => objectionToZone(zone, region) === null)
    return ours.length > 0 ? [...new Set(ours)].sort() : null
  })
  return zones ?? []
}

/** Kept for each login: a name that was one student's may be another's tomorrow. */
async function groupNamed(deps: LaunchDeps, name: string, vpcId: string): Promise<SecurityGroup> {
  const isId = /^sg-[0-9a-f]{1,32}$/.test(name)
  const group = await remembered(deps, "group", `${vpcId} ${deps.caller.login} ${name}`, async () => {
    const ec2 = await deps.aws.ec2()
    const [found] = await ec2.securityGroups(isId ? { ids: [name] } : { names: [name], vpcId })
    return found ?? null
  })
  if (!group || group.vpcId !== vpcId) {
    throw new Refused("security group", `${quoted(name)} does not exist in ${vpcId}`)
  }
  return group
}

/** What AWS says is remembered; that something is not there is asked again each time. */
async function remembered<T>(
  { usageDb, clock }: LaunchDeps,
  kind: keyof typeof keptMs,
  key: string,
  ask: () => Promise<T | null>,
): Promise<T | null> {
  const known = usageDb.lookups.get<T>(kind, key, later(clock.now(), -keptMs[kind]))
  if (known !== null) return known
  const value = await ask()
  if (value !== null) usageDb.transaction(() => usageDb.lookups.set(kind, key, value, clock.now()))
  return value
}

export function refuse(subject: string, objection: Objection): void {
  if (objection) throw new Refused(subject, objection)
}
