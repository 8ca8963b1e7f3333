/** All that the emulated AWS knows besides what moto holds; tests read it and turn its knobs. */
import type { UtcMs } from "../../lib/base/time.ts"
import { Bill } from "./bill.ts"
import { VirtualClock } from "./clock.ts"
import { CloudTrailLog } from "./cloudtrail.ts"
import type { SignIn } from "./federation.ts"
import type { InstanceRecord } from "./instance_record.ts"
import type { MotoClient } from "./moto_client.ts"
import type { LaunchedOnce } from "./run_instances.ts"
import type { Schedule } from "./scheduler.ts"
import type { SessionRecord } from "./sessions.ts"
import type { SpotRequestRecord } from "./spot.ts"

export class World {
  readonly clock = new VirtualClock()
  readonly bill: Bill
  readonly trail: CloudTrailLog
  instances = new Map<string, InstanceRecord>()
  /** What moto does not know of volumes: the emulated time at which each was made, and whether it goes with its instance. */
  volumes = new Map<string, { madeUtcMs: UtcMs; deleteOnTermination: boolean }>()
  spotRequests = new Map<string, SpotRequestRecord>()
  /** By region and ClientToken. */
  launches = new Map<string, LaunchedOnce>()
  schedules = new Map<string, Schedule>()
  consoleOutputs = new Map<string, string>()
  fingerprints = new Map<string, string>()
  /** Access keys made through the proxy. */
  accessKeys = new Map<string, { user: string; createdAtUtcMs: UtcMs }>()
  /** Sessions of roles, by access key. */
  sessions = new Map<string, SessionRecord>()
  /** By role: the ids of the principals that its trust policy named when it was written. */
  trustedIds = new Map<string, Map<string, string>>()
  /** By sign-in token. */
  signIns = new Map<string, SignIn>()
  /** Instances that a type may still launch in a zone; what is not listed is unlimited. */
  capacity = new Map<string, number>()
  /** Instances that listings do not show, as may be for a while after a launch: EC2 is eventually consistent. */
  unlisted = new Set<string>()
  knobs = defaultKnobs()

  constructor(readonly moto: MotoClient) {
    this.bill = new Bill(this.clock)
    this.trail = new CloudTrailLog(this.clock)
  }

  reset(): void {
    this.clock.reset()
    this.bill.reset()
    this.trail.reset()
    this.moto.forget()
    for (const kept of [this.instances, this.spotRequests, this.launches, this.schedules]) kept.clear()
    for (const kept of [this.consoleOutputs, this.fingerprints, this.accessKeys, this.capacity]) kept.clear()
    for (const kept of [this.sessions, this.trustedIds, this.signIns]) kept.clear()
    this.unlisted.clear()
    this.volumes.clear()
    this.knobs = defaultKnobs()
  }
}

function defaultKnobs() {
  return {
    /** The Date of every answer is the emulated time, for tools whose clock is that too (faketime). */
    tellsItsTime: false,
    /** Whose credentials those are that the proxy has not seen made: a user's, a role's or the root user's ARN, and its id. */
    own: { arn: "arn:aws:iam::123456789012:user/course-key", id: "AIDAOWNCREDENTIALS001" },
    /** How long a start, a stop and a termination take; AWS needs tens of seconds. */
    pendingMs: 100,
    stoppingMs: 100,
    shuttingDownMs: 100,
    /** Terminated instances lose their tags, and then are gone. */
    tagsVanishAfterMs: 30 * 60_000,
    vanishAfterMs: 60 * 60_000,
    /** vCPUs of running standard and of spot instances (L-1216C47A, L-34B43A08). */
    vcpus: 1_000_000,
    /** Of G and VT instances, which have a quota of their own. */
    gpuVcpus: 1_000_000,
    spotVcpus: 1_000_000,
    /** Security groups of a region (L-E79EC296). */
    securityGroups: 2500,
    /** The most instances in a page of DescribeInstances. */
    pageSize: 1000,
    /** Until an access key that was made works: IAM is eventually consistent. */
    keyDelayMs: 0,
    /** Calls by keys of IAM users are allowed only as their policies say. */
    enforcePolicies: false,
    /** Regions of EC2 and STS that the account has not enabled, that a policy of its organisation denies, or that are down. */
    silentRegions: {} as Record<string, "not enabled" | "denied" | "down">,
    /** Requests that were signed more than five minutes off are refused; for tools whose clock is the machine's own. */
    checksDates: false,
    /** CloudTrail's two requests per second and region. */
    limitCloudTrail: false,
    /** Multiplies every spot price; an instance whose maximum is passed is interrupted at the next `settleSpot`. */
    spotPriceFactor: 1,
    /** Multiplies every price of the Price List, not the bill's. */
    listPriceFactor: 1,
  }
}
