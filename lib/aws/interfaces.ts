/** What operations may ask of AWS (IAM: iam_interfaces.ts). Every listing is complete or fails; every mutating call returns AWS's request id. */

import type {
  Address,
  EbsSnapshot,
  Image,
  Instance,
  InstanceState,
  InstanceTypeFacts,
  KeyPair,
  SpotRequest,
  Subnet,
  Volume,
} from "../base/instance.ts"
import type { MicroUsd } from "../base/money.ts"
import type { UtcMs } from "../base/time.ts"
import type { StorageList } from "../decisions/pricing/prices.ts"
import type { SpareGroups } from "./ec2/group_interfaces.ts"
import type { SecurityGroups } from "./ec2/security_group_interfaces.ts"
import type { Iam } from "./iam/interfaces.ts"
import type { Leftovers } from "./leftovers/interfaces.ts"
import type { S3 } from "./objects.ts"
import type { Outcome } from "./outcome.ts"
import type { Bucket, BucketPlace, CloudTrail } from "./record_interfaces.ts"

export interface LaunchRequest {
  /** ClientToken: the reservation's id. Asking twice with one token launches once. */
  clientToken: string
  imageId: string
  instanceType: string
  count: number
  /** Empty only where nothing is launched: doctor's dry run. */
  keyName: string
  zone: string | null
  placementGroup: string | null
  subnetId: string | null
  securityGroupIds: string[]
  /** Base64. */
  userData: string | null
  /** The whole block device mapping as it is wanted; each encrypted and deleted on termination. */
  blockDevices: {
    device: string
    gib: number
    type: string
    iops: number | null
    throughput: number | null
    snapshotId: string | null
  }[]
  /** Present for spot: one-time, terminated on interruption. */
  spotMaxMicroUsdPerHour: MicroUsd | null
  instanceProfile: string | null
  /** `CpuCredits=standard`, for burstable types. */
  standardCredits: boolean
  shutdownBehavior: "terminate" | "stop"
  /** On instances, volumes, network interfaces, and spot requests. */
  tags: Record<string, string>
}

/** Every value that begins so. */
export interface Beginning {
  beginning: string
}

/** A filter of DescribeInstances; what is absent does not restrict. */
export interface InstanceFilter {
  ids?: string[]
  tags?: Record<string, string>
  states?: InstanceState[]
  clientTokens?: string[]
  /** Names, and how names begin. */
  keyNames?: (string | Beginning)[]
}

export interface Ec2 extends SpareGroups, SecurityGroups {
  readonly region: string
  /** A complete listing. */
  instances(filter?: InstanceFilter): Promise<Instance[]>
  /** The same in pages, for snapshots of a whole account: memory stays flat. Throws before the end where a page is missing. */
  instancePages(filter?: InstanceFilter): AsyncIterable<Instance[]>
  /** `dryRun` only asks whether it would be allowed. */
  launch(request: LaunchRequest, options?: { dryRun?: boolean }): Promise<Outcome & { instances: Instance[] }>
  /** One instance; clears termination protection first where told. `wasOn`: it was pending or running until then. */
  terminate(
    id: string,
    options?: { clearProtection?: boolean },
  ): Promise<Outcome & { state: InstanceState; wasOn: boolean }>
  stop(
    id: string,
    options?: { clearProtection?: boolean; hibernate?: boolean },
  ): Promise<Outcome & { state: InstanceState; wasOn: boolean }>
  start(id: string): Promise<Outcome & { state: InstanceState }>
  /** What EC2 refuses to do to an instance until its protection is cleared; nothing of one that is gone. */
  protections(id: string): Promise<("stop" | "termination")[]>
  spotRequests(filter?: {
    ids?: string[]
    tags?: Record<string, string>
    states?: SpotRequest["state"][]
  }): Promise<SpotRequest[]>
  cancelSpotRequest(id: string): Promise<Outcome>
  /** Null where there is none, or it is not ours to see. */
  image(id: string): Promise<Image | null>
  /** Those of the types that EC2 has in the region; what it does not know is left out. */
  describeTypes(types: readonly string[]): Promise<InstanceTypeFacts[]>
  subnets(filter?: {
    ids?: string[]
    tags?: Record<string, string>
    defaultOnly?: boolean
  }): Promise<Subnet[]>
  keyPairs(filter?: { names?: string[]; tags?: Record<string, string> }): Promise<KeyPair[]>
  createKeyPair(
    name: string,
    tags: Record<string, string>,
  ): Promise<Outcome & { keyPair: KeyPair; privateKey: string }>
  importKeyPair(
    name: string,
    publicKey: string,
    tags: Record<string, string>,
  ): Promise<Outcome & { keyPair: KeyPair }>
  /** Deleting what is not there succeeds. */
  deleteKeyPair(name: string): Promise<Outcome>
  volumes(filter?: { ids?: string[]; tags?: Record<string, string> }): Promise<Volume[]>
  /** Encrypted gp3. Asking twice with one token makes one. */
  createVolume(volume: {
    clientToken: string
    gib: number
    zone: string
    snapshotId: string | null
    tags: Record<string, string>
  }): Promise<Outcome & { id: string }>
  /** Sent once: there is no token for it, and a repetition might make another. */
  createSnapshot(snapshot: {
    volumeId: string
    description: string
    tags: Record<string, string>
  }): Promise<Outcome & { id: string }>
  /** The account's own. */
  snapshots(filter?: { ids?: string[]; tags?: Record<string, string> }): Promise<EbsSnapshot[]>
  /** Deleting what is not there succeeds. */
  deleteVolume(id: string): Promise<Outcome>
  deleteSnapshot(id: string): Promise<Outcome>
  addresses(filter?: { tags?: Record<string, string> }): Promise<Address[]>
  tag(ids: string[], tags: Record<string, string>): Promise<Outcome>
  spotPriceHistory(query: {
    instanceTypes: string[]
    zone?: string
    startUtcMs: UtcMs
    endUtcMs: UtcMs
  }): Promise<
    { instanceType: string; zone: string; product: string; fromUtcMs: UtcMs; microUsdPerHour: MicroUsd }[]
  >
  consoleOutput(id: string): Promise<string>
}

export interface Ssm {
  /** A parameter's value, e.g. an image id under /aws/service/; null where there is none. */
  parameter(name: string): Promise<string | null>
}

export interface ListedPrice {
  instanceType: string
  usageOperation: string
  microUsdPerHour: MicroUsd
  /** Since when, by AWS's own date; null where it gives none. */
  effectiveUtcMs: UtcMs | null
}

export interface Pricing {
  /** On-demand Linux and other list prices of a region, in pages. */
  onDemandPrices(region: string): AsyncIterable<ListedPrice[]>
  /** What volumes and snapshots cost a month there: `gp3 GB-Mo`, `io2 IOPS-Mo`, `gp3 MiBps-Mo`, `snapshot GB-Mo`. */
  storagePrices(region: string): AsyncIterable<{ what: string; microUsdPerMonth: number }[]>
}

export interface Scheduler {
  /** A one-time schedule that terminates the instance; replaces one of the same name. */
  putTermination(instanceId: string, atUtcMs: UtcMs, roleArn: string): Promise<Outcome>
  /** Removing what is not there succeeds. */
  removeTermination(instanceId: string): Promise<Outcome>
}

export interface Quotas {
  /** EC2's quotas that hold for the account, for doctor. */
  ec2Quotas(): Promise<{ code: string; name: string; value: number }[]>
}

/** The credentials of a session; the token belongs to them. */
export interface SessionCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  /** By AWS's clock. */
  expiresAtUtcMs: UtcMs
}

export interface Sts {
  /** The ARN behind the credentials in use: the one question that any valid key may send, whatever its policies. */
  callerArn(): Promise<string>
  /**
   * A session of a role. Its name is its source identity, too. `durationMs` null leaves it to AWS: an hour. Sending it twice makes
   * two sessions, of which one is forgotten.
   */
  assumeRole(session: {
    roleArn: string
    sessionName: string
    tags: Record<string, string>
    durationMs: number | null
  }): Promise<Outcome & SessionCredentials>
}

/** AWS's federation endpoint, which is no API: it takes a session's credentials in place of a signature. */
export interface SignIn {
  /**
   * A token that signs a browser in. `durationS`: how long the console session lasts, 900 to 43,200 seconds; null: the endpoint's own
   * choice, an hour, which is all it takes for the session of a role's session.
   */
  token(endpoint: string, session: SessionCredentials, durationS: number | null): Promise<string>
}

/** All of AWS, each client loaded and built at its first use. */
export interface Aws {
  ec2(region?: string): Promise<Ec2>
  iam(): Promise<Iam>
  sts(): Promise<Sts>
  signIn(): Promise<SignIn>
  ssm(): Promise<Ssm>
  pricing(): Promise<Pricing>
  cloudTrail(region?: string): Promise<CloudTrail>
  /** What a schedule asks of EC2, it asks in its own region. */
  scheduler(region: string): Promise<Scheduler>
  quotas(region?: string): Promise<Quotas>
  s3(): Promise<S3>
  bucket(place: BucketPlace): Promise<Bucket>
  /** The regions that the account has enabled. */
  regions(): Promise<string[]>
  /** Everything in a region, whoever's it is; with IAM's once for the account. */
  leftovers(region: string, prices: StorageList, options: { withIam: boolean }): Promise<Leftovers>
  /** AWS's clock, in UTC milliseconds, to the second. */
  serverTime(): Promise<number>
  /**
   * What to add to the host's clock for AWS's time, by the Date of its last answer; 0 where the two agree as far as that tells, null where
   * nothing has been asked yet.
   */
  clockOffsetMs(): number | null
  /**
   * Does `work`, each of whose requests, and each repetition, goes out only while `isAllowed`: asked after the request was signed, so that a
   * process that is held up afterwards sends what AWS refuses 15 minutes later. Else throws AwsError with the code TooLate.
   */
  guarded<T>(isAllowed: () => boolean, work: () => Promise<T>): Promise<T>
  /** Ends what is under way. */
  close(): void
}
