/** EC2's things as the rest of the code sees them: nothing optional that is not really so, times in UTC milliseconds. */
import type { MicroUsd } from "./money.ts"
import type { UtcMs } from "./time.ts"

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html */
export type InstanceState = "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped"

/** Whether it runs no more and will not run again; it shows for about an hour. */
export function hasEnded({ state }: { state: InstanceState }): boolean {
  return state === "terminated" || state === "shutting-down"
}

export type Market = "on-demand" | "spot"

/** An instance as DescribeInstances shows it. Absent strings are "". */
export interface Instance {
  id: string
  type: string
  state: InstanceState
  market: Market
  region: string
  zone: string
  imageId: string
  keyName: string
  /** The *last* start: see firstAttachedUtcMs. */
  launchedAtUtcMs: UtcMs
  /** When the primary network interface was attached: the first start; null when EC2 does not say. */
  firstAttachedUtcMs: UtcMs | null
  /** `User initiated (2021-10-04 14:13:33 GMT)`, undocumented in form, or "". */
  stateTransitionReason: string
  /** StateReason.Code, e.g. `Server.SpotInstanceTermination`, or "". */
  stateReasonCode: string
  /** StateReason.Message, where it was asked for. */
  stateReasonMessage?: string
  /** `RunInstances`, `RunInstances:0002` …: which price holds. */
  usageOperation: string
  platform: string
  spotRequestId: string
  clientToken: string
  privateIp: string
  privateDns: string
  publicIp: string
  publicDns: string
  subnetId: string
  vpcId: string
  securityGroups: { id: string; name: string }[]
  /** Network interfaces, by which AWS bills public addresses. */
  interfaceIds: string[]
  /** Ids of the volumes attached, with whether they go with the instance. */
  volumes: { id: string; device: string; deleteOnTermination: boolean }[]
  hibernationConfigured: boolean
  tags: Record<string, string>
}

/** A one-time request of the old kind, or the one AWS makes behind market options. */
export interface SpotRequest {
  id: string
  state: "open" | "active" | "closed" | "cancelled" | "failed" | "disabled"
  instanceType: string
  instanceId: string
  keyName: string
  createdAtUtcMs: UtcMs
  maxMicroUsdPerHour: MicroUsd | null
  tags: Record<string, string>
}

export interface Volume {
  id: string
  type: string
  gib: number
  iops: number
  throughput: number
  state: string
  zone: string
  encrypted: boolean
  createdAtUtcMs: UtcMs
  attachedTo: string
  deleteOnTermination: boolean
  tags: Record<string, string>
}

export interface EbsSnapshot {
  id: string
  /** Of the volume that it is of: at most so much is charged. */
  gib: number
  state: string
  startedAtUtcMs: UtcMs
  tags: Record<string, string>
}

export interface Address {
  allocationId: string
  publicIp: string
  instanceId: string
  tags: Record<string, string>
}

/** An image with what a launch policy must know. */
export interface Image {
  id: string
  name: string
  state: string
  architecture: string
  /** "" for Linux, "windows". */
  platform: string
  usageOperation: string
  productCodes: string[]
  rootDevice: string
  blockDevices: ImageBlockDevice[]
}

export interface ImageBlockDevice {
  device: string
  /** Null for instance store and suppressed devices. */
  ebs: {
    snapshotId: string
    gib: number
    type: string
    iops: number
    encrypted: boolean
    deleteOnTermination: boolean
  } | null
}

/** What EC2 says of an instance type. */
export interface InstanceTypeFacts {
  type: string
  vcpus: number
  /** `x86_64`, `arm64` …: of images that it runs. */
  architectures: string[]
}

export interface Subnet {
  id: string
  vpcId: string
  zone: string
  defaultForZone: boolean
  mapPublicIp: boolean
  tags: Record<string, string>
}

/** A rule of a security group that lets traffic in. */
export interface IngressRule {
  /** `tcp`, or `-1` for everything, when the ports mean nothing. */
  protocol: "tcp" | "-1"
  fromPort: number
  toPort: number
  /** An IPv4 network; null where `groupId` is set. */
  cidr: string | null
  groupId: string | null
  description: string
}

export interface SecurityGroup {
  id: string
  name: string
  vpcId: string
  description: string
  tags: Record<string, string>
}

export interface KeyPair {
  id: string
  name: string
  fingerprint: string
  type: string
  tags: Record<string, string>
}

/** The tags we own on everything that is launched through us. Nobody else may set or edit them. */
export const tagOf = {
  /** The login; the name that the student policy and every search goes by. */
  owner: "ec2-wrappers:owner",
  course: "ec2-wrappers:course",
  /** The reservation, which is also the launch's ClientToken. */
  reservation: "ec2-wrappers:reservation",
  /** The lease's end as ISO UTC; for the instance's own timer, never read as truth. */
  leaseEnd: "ec2-wrappers:lease-end",
  cluster: "ec2-wrappers:cluster",
  clusterRoles: "ec2-wrappers:roles",
  /** On a student's own security group: the ledger's id of it, which only we can set. */
  sshGroup: "ec2-wrappers:ssh-group",
} as const

/** Whether it is another course's of the same account, which may have the same logins. What carries no course's tag may be ours. */
export function isOfAnotherCourse(tags: Record<string, string>, course: string): boolean {
  const named = tags[tagOf.course]
  return named !== undefined && named !== "" && named !== course
}

/** Whether a tag's key is AWS's or ours, and so nobody else's to set. */
export function isReservedTagKey(key: string): boolean {
  return /^(aws|ec2-wrappers):/i.test(key)
}
